"""Readers of captions that others have trained, from a folder on this machine: CLIP's text side
(Radford et al. 2021), and sentence encoders whose words are averaged (Reimers and Gurevych 2019).

They have no weights to learn here: those stay in their folder, out of every checkpoint.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from gan_lab.captions import to_texts
from gan_lab.errors import UserError
from gan_lab.networks.text import unit_square

MOST_REMEMBERED = 100_000  # sentences; a data set's captions come again in each epoch


class FrozenText(nn.Module):
    """Captions (B, L) to sentences (B, D) by a pretrained network, each caption read once.

    Args:
        path: folder of a model as Hugging Face's `save_pretrained` writes it, with its tokeniser
            and model.safetensors; nothing is downloaded, and pickled weights are refused.
        max_tokens: L, the most bytes of a caption; the network's own limit holds besides.
        dim: D, as the network has it.
    """

    def __init__(self, path: str | None, max_tokens: int, dim: int) -> None:
        super().__init__()
        self.max_tokens, self.dim = max_tokens, dim
        option = f"model.text_encoder.path={path}"
        if path is None:
            raise ValueError(f"{option}: name the folder of a pretrained text encoder")
        self.path = Path(path).expanduser()
        for name in ("config.json", "model.safetensors"):
            if not (self.path / name).is_file():
                raise ValueError(
                    f"{option}: there is no {name} in it; give a folder as Hugging Face's"
                    " save_pretrained writes it (weights as safetensors)"
                )
        try:
            import transformers
        except ImportError:
            raise ValueError(
                f"{option} needs the package transformers: pip install 'gan-lab[text]', or take"
                " gan_lab.networks.text.WordEncoder, which needs none"
            ) from None
        # In a list, so that neither checkpoints nor the run's copies hold it.
        network, found = self.load(transformers)
        if found != dim:
            raise ValueError(
                f"model.text_encoder.dim={dim}: the network in {path} gives {found}; set it to that"
            )
        self.held = [network.requires_grad_(False).eval()]
        self.tokeniser = transformers.AutoTokenizer.from_pretrained(
            self.path, local_files_only=True
        )
        self.remembered: dict[str, Tensor] = {}

    def load(self, transformers) -> tuple[nn.Module, int]:
        """The network, on the CPU, and its D."""
        raise NotImplementedError

    def sentences(self, network: nn.Module, inputs: dict[str, Tensor]) -> Tensor:
        """(B, D) of what the tokeniser gives."""
        raise NotImplementedError

    def limit(self, network: nn.Module) -> int:
        """Tokens that the network takes."""
        return network.config.max_position_embeddings

    @torch.no_grad()
    def forward(self, caption: Tensor) -> Tensor:
        texts = to_texts(caption)
        new = [text for text in dict.fromkeys(texts) if text not in self.remembered]
        if new:
            if len(self.remembered) + len(new) > MOST_REMEMBERED:
                self.remembered.clear()
                new = list(dict.fromkeys(texts))
            self.remembered.update(zip(new, self.read(new, caption.device).cpu(), strict=True))
        return torch.stack([self.remembered[text] for text in texts]).to(caption.device)

    def read(self, texts: list[str], device: torch.device) -> Tensor:
        """(B, D) of texts, one by one: what pads the others then changes no bit."""
        network = self.held[0].to(device)
        rows = []
        for text in texts:
            inputs = self.tokeniser(text, return_tensors="pt")
            length, limit = inputs["input_ids"].shape[1], self.limit(network)
            if length > limit:
                raise UserError(
                    f"caption={text!r} has {length} tokens, and the text encoder of {self.path}"
                    f" takes {limit}: shorten it"
                )
            with torch.autocast(device.type, enabled=False):
                rows.append(self.sentences(network, inputs.to(device)))
        return unit_square(torch.cat(rows).float())


class ClipText(FrozenText):
    """The text side of CLIP, up to the space that it shares with pictures."""

    def load(self, transformers) -> tuple[nn.Module, int]:
        network = transformers.CLIPTextModelWithProjection.from_pretrained(
            self.path, local_files_only=True, use_safetensors=True
        )
        return network, network.config.projection_dim

    def sentences(self, network: nn.Module, inputs: dict[str, Tensor]) -> Tensor:
        return network(**inputs).text_embeds


class MeanText(FrozenText):
    """A sentence encoder such as all-MiniLM: the mean of what a transformer says of each token."""

    def load(self, transformers) -> tuple[nn.Module, int]:
        network = transformers.AutoModel.from_pretrained(
            self.path, local_files_only=True, use_safetensors=True
        )
        return network, network.config.hidden_size

    def sentences(self, network: nn.Module, inputs: dict[str, Tensor]) -> Tensor:
        return network(**inputs).last_hidden_state.mean(1)
