"""Handlers for SNS: topics, topic policies and subscriptions."""

# ruff: noqa: ARG002, D102 (Handler documents the methods)

from __future__ import annotations

import json
from typing import Any, ClassVar

from embedded_aws.cloudformation.handlers.handler import (
    Handler,
    Made,
    Properties,
    Work,
    name_from_stack,
    quietly,
    tag_changes,
)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


class Topic(Handler):
    """An SNS topic. `Ref` returns the ARN."""

    type = "AWS::SNS::Topic"
    system_tags = True
    attributes = ("TopicArn", "TopicName")
    name_property = "TopicName"
    provisions: ClassVar[frozenset[str] | None] = frozenset(
        {
            "TopicName",
            "DisplayName",
            "KmsMasterKeyId",
            "FifoTopic",
            "ContentBasedDeduplication",
            "SignatureVersion",
            "TracingConfig",
            "Subscription",
            "Tags",
        }
    )
    _settings: ClassVar[tuple[str, ...]] = (
        "DisplayName",
        "KmsMasterKeyId",
        "FifoTopic",
        "ContentBasedDeduplication",
        "SignatureVersion",
        "TracingConfig",
    )

    def create(self, work: Work, desired: Properties) -> Made:
        client, name = work.client("sns"), desired.get("TopicName") or name_from_stack(work, 256)
        settings = {key: _text(desired[key]) for key in self._settings if key in desired}
        arn = client.create_topic(Name=name, Attributes=settings, Tags=desired.get("Tags", []))["TopicArn"]
        work.started(arn)
        for subscription in desired.get("Subscription", []):
            client.subscribe(TopicArn=arn, Protocol=subscription["Protocol"], Endpoint=subscription["Endpoint"])
        return Made(arn, {"TopicArn": arn, "TopicName": name})

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        client = work.client("sns")
        for key in sorted(work.changed & set(self._settings)):
            client.set_topic_attributes(
                TopicArn=physical_id, AttributeName=key, AttributeValue=_text(desired.get(key, ""))
            )
        self._subscribe(client, physical_id, previous, desired)
        put, drop = tag_changes(previous, desired)
        if put:
            client.tag_resource(ResourceArn=physical_id, Tags=put)
        if drop:
            client.untag_resource(ResourceArn=physical_id, TagKeys=drop)
        return Made(physical_id, {"TopicArn": physical_id, "TopicName": physical_id.rsplit(":", 1)[-1]})

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        client = work.client("sns")
        self._subscribe(client, physical_id, properties, {})
        quietly(client.delete_topic, TopicArn=physical_id)

    def _subscribe(self, client: Any, arn: str, previous: Properties, desired: Properties) -> None:
        before, after = (
            {
                (subscription["Protocol"], subscription["Endpoint"])
                for subscription in properties.get("Subscription", [])
            }
            for properties in (previous, desired)
        )
        for protocol, endpoint in sorted(after - before):
            client.subscribe(TopicArn=arn, Protocol=protocol, Endpoint=endpoint)
        if before - after:
            for page in client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn):
                for subscription in page["Subscriptions"]:
                    if (subscription["Protocol"], subscription["Endpoint"]) in before - after:
                        client.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])


class TopicPolicy(Handler):
    """The access policy of SNS topics."""

    type = "AWS::SNS::TopicPolicy"
    attributes = ("Id",)

    def create(self, work: Work, desired: Properties) -> Made:
        physical_id = name_from_stack(work, 128)
        self._put(work, desired)
        return Made(physical_id, {"Id": physical_id})

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        self._reset(work, [topic for topic in previous["Topics"] if topic not in desired["Topics"]])
        self._put(work, desired)
        return Made(physical_id, {"Id": physical_id})

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        self._reset(work, properties["Topics"])

    def _put(self, work: Work, desired: Properties) -> None:
        for topic in desired["Topics"]:
            work.client("sns").set_topic_attributes(
                TopicArn=topic, AttributeName="Policy", AttributeValue=_text(desired["PolicyDocument"])
            )

    def _reset(self, work: Work, topics: list[str]) -> None:
        """Reset the policy of topics to SNS's default: only the owner's account can publish."""
        for topic in topics:
            policy = {
                "Version": "2008-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": f"arn:aws:iam::{work.account}:root"},
                        "Action": "SNS:Publish",
                        "Resource": topic,
                    }
                ],
            }
            quietly(
                work.client("sns").set_topic_attributes,
                TopicArn=topic,
                AttributeName="Policy",
                AttributeValue=json.dumps(policy),
            )


class Subscription(Handler):
    """An SNS subscription. `Ref` returns the ARN."""

    type = "AWS::SNS::Subscription"
    attributes = ("Arn",)
    provisions: ClassVar[frozenset[str] | None] = frozenset(
        {
            "TopicArn",
            "Protocol",
            "Endpoint",
            "FilterPolicy",
            "FilterPolicyScope",
            "RawMessageDelivery",
            "RedrivePolicy",
            "DeliveryPolicy",
        }
    )
    _settings: ClassVar[tuple[str, ...]] = (
        "FilterPolicy",
        "FilterPolicyScope",
        "RawMessageDelivery",
        "RedrivePolicy",
        "DeliveryPolicy",
    )

    def create(self, work: Work, desired: Properties) -> Made:
        settings = {key: _text(desired[key]) for key in self._settings if key in desired}
        arn = work.client("sns").subscribe(
            TopicArn=desired["TopicArn"],
            Protocol=desired["Protocol"],
            Endpoint=desired.get("Endpoint", ""),
            Attributes=settings,
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]
        return Made(arn, {"Arn": arn})

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        for key in sorted(work.changed & set(self._settings)):
            work.client("sns").set_subscription_attributes(
                SubscriptionArn=physical_id, AttributeName=key, AttributeValue=_text(desired.get(key, {}))
            )
        return Made(physical_id, {"Arn": physical_id})

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        quietly(work.client("sns").unsubscribe, SubscriptionArn=physical_id)


HANDLERS: tuple[Handler, ...] = (Topic(), TopicPolicy(), Subscription())
