"""Create a two-layer Llama model with random weights, a tokenizer, a chat template and a LoRA adapter.

    .oracle/bin/python -m scripts.oracle.engine.tiny FOLDER

writes FOLDER/model and FOLDER/adapter. The answers are meaningless, but the engine serves the model like any other.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CONTEXT = 512
RANK = 8
_WIDTH = 64
_LAYERS = 2
_TEXT = "The quick brown fox jumps over the lazy dog. How many copies of a model fit on one instance? 0123456789"
_TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_SPECIAL = ["<|begin|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]


def main() -> None:
    """Write the model and the adapter."""
    folder = Path(sys.argv[1])
    model = folder / "model"
    model.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer()
    tokenizer.save_pretrained(model)
    _llama(len(tokenizer)).save_pretrained(model)
    _write_adapter(folder / "adapter", model)


def _tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer with all bytes and a few merged pairs."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=_SPECIAL, initial_alphabet=alphabet)
    tokenizer.train_from_iterator([_TEXT] * 10, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=_SPECIAL[0], eos_token=_SPECIAL[1])
    fast.chat_template = _TEMPLATE
    return fast


def _llama(vocabulary: int) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=_WIDTH,
        intermediate_size=2 * _WIDTH,
        num_hidden_layers=_LAYERS,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=CONTEXT,
        bos_token_id=0,
        eos_token_id=1,
        torch_dtype="bfloat16",
    )
    return LlamaForCausalLM(config).to(torch.bfloat16)


def _write_adapter(folder: Path, model: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "peft_type": "LORA",
        "base_model_name_or_path": str(model),
        "r": RANK,
        "lora_alpha": 2 * RANK,
        "target_modules": ["q_proj"],
        "task_type": "CAUSAL_LM",
        "bias": "none",
    }
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    tensors = {}
    for layer in range(_LAYERS):
        name = f"base_model.model.model.layers.{layer}.self_attn.q_proj"
        tensors[f"{name}.lora_A.weight"] = torch.randn(RANK, _WIDTH, dtype=torch.bfloat16)
        tensors[f"{name}.lora_B.weight"] = torch.randn(_WIDTH, RANK, dtype=torch.bfloat16)
    save_file(tensors, folder / "adapter_model.safetensors")


if __name__ == "__main__":
    main()
