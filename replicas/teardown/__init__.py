"""Deletes all resources of a deployment in the right order, for cases in which `cdk destroy` fails. Calls AWS.

`take_inventory(Aws(), "llama-2-13b")` lists the resources, `tear_down(aws, inventory)` deletes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from replicas.lazy_names import lazy_names

if TYPE_CHECKING:
    from replicas.teardown.inventory import Inventory, take_inventory
    from replicas.teardown.teardown import TornDown, tear_down

__all__ = ["Inventory", "TornDown", "take_inventory", "tear_down"]

__getattr__, __dir__ = lazy_names(
    __name__, {"inventory": ("Inventory", "take_inventory"), "teardown": ("TornDown", "tear_down")}
)
