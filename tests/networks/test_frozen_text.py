import json

import pytest
import torch
from support import build, fit

from gan_lab.captions import to_tokens
from gan_lab.networks.frozen_text import ClipText, MeanText


@pytest.fixture
def clip(tmp_path):
    """A text side of CLIP of a few thousand random weights."""
    transformers = pytest.importorskip("transformers")
    letters = [chr(c) for c in range(97, 123)]
    words = [*letters, *(f"{c}</w>" for c in letters), "<|startoftext|>", "<|endoftext|>"]
    (tmp_path / "vocab.json").write_text(json.dumps({w: i for i, w in enumerate(words)}))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    transformers.CLIPTokenizer(
        str(tmp_path / "vocab.json"), str(tmp_path / "merges.txt")
    ).save_pretrained(tmp_path)
    torch.manual_seed(0)
    config = transformers.CLIPTextConfig(
        vocab_size=len(words), hidden_size=16, intermediate_size=16, projection_dim=12,
        num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=20,
        bos_token_id=len(words) - 2, eos_token_id=len(words) - 1, pad_token_id=0,
    )  # fmt: skip
    network = transformers.CLIPTextModelWithProjection(config).eval()
    network.save_pretrained(tmp_path)
    return tmp_path, network


def test_clip_reads_each_caption_as_it_does_alone_and_once(clip):
    path, network = clip
    encoder = ClipText(str(path), max_tokens=40, dim=12)
    tokens = to_tokens(["a dog", "a bee", "a dog"], 40)
    sentences = encoder(tokens)
    assert sentences.shape == (3, 12) and encoder.dim == 12
    torch.testing.assert_close(sentences.square().mean(1), torch.ones(3))
    inputs = encoder.tokeniser("a dog", return_tensors="pt")
    own = network(**inputs).text_embeds[0]
    torch.testing.assert_close(
        torch.cosine_similarity(sentences[0], own, 0), torch.ones(()), atol=1e-5, rtol=0
    )
    encoder.read = None  # known by now
    assert torch.equal(encoder(tokens), sentences)


def test_frozen_weights_stay_out_of_checkpoints(clip):
    encoder = ClipText(str(clip[0]), max_tokens=40, dim=12)
    assert not encoder.state_dict() and not list(encoder.parameters())


def test_what_a_network_cannot_take_is_refused(clip):
    encoder = ClipText(str(clip[0]), max_tokens=60, dim=12)
    with pytest.raises(ValueError, match=r"has 3\d tokens.* takes 20"):
        encoder(to_tokens(["abcdefghij klmnopqrst uvwxyzabcd"], 60))


def test_another_number_of_features_is_refused(clip):
    with pytest.raises(ValueError, match="dim=64: .* gives 12"):
        ClipText(str(clip[0]), max_tokens=40, dim=64)


@pytest.mark.parametrize(
    "weight, more", [(0, set()), (12, {"picture_encoder"})], ids=["plain", "likeness"]
)
def test_frozen_sentences_are_no_player(clip, weight, more):
    data, gan = build(
        f"model.matching_weight={weight}", "model.matching_kimg=0.02",
        "model=df_gan", "data=captions", "data.resolution=16", "data.num=64", "data.max_tokens=60",
        "model.text_encoder._target_=gan_lab.networks.frozen_text.ClipText",
        f"+model.text_encoder.path={clip[0]}", "model.text_encoder.dim=12",
    )  # fmt: skip
    gan.text_encoder.limit = lambda network: 60  # the positions of a toy are too few
    gan.text_encoder.sentences = lambda network, inputs: torch.rand(1, 12)
    assert set(gan.optimizer_factories) == {"generator", "discriminator"} | more
    before = {name: value.clone() for name, value in gan.state_dict().items()}
    fit(gan, data, steps=4)
    assert any(
        not torch.equal(value, before[name])
        for name, value in gan.state_dict().items()
        if name.startswith("generator.")
    )


@pytest.mark.parametrize("kind", [ClipText, MeanText])
def test_a_folder_that_is_not_there_is_named(kind, tmp_path):
    with pytest.raises(ValueError, match="model.text_encoder.path=None"):
        kind(None, 40, 12)
    with pytest.raises(ValueError, match="no config.json"):
        kind(str(tmp_path / "absent"), 40, 12)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ValueError, match="no model.safetensors"):
        kind(str(tmp_path), 40, 12)
