"""What each process of `test_distributed.py` runs, started by torchrun."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from support import build, fit, some

STEPS = 20
# Dropout aside (each process has its own), every game here must agree.
# Adam divides by the gradient's own size: without an eps above rounding, a weight whose gradient
# is all rounding would step by its whole learning rate in a random direction.
STEADY = [f"++model.optimizers.{player}.eps=1e-3" for player in ("generator", "discriminator")]
CASES = {
    "r1": ["model=cgan"],
    "r1 and r2, accumulated": ["model=r3gan_small", "model.accumulate=2"],
    "five critic steps": ["model=wgan_gp"],
    "clipped, accumulated": ["model=wgan_gp", "model.clip_norm=0.5", "model.accumulate=2"],
    "mirrored": ["model=wgan", "data.mirror=true"],
    "batch norm of all processes": ["model=biggan", "data.resolution=16"],
    "while it grows": [
        *("model=progressive", "data.resolution=16"),
        *("model.growth.stabilise_kimg=0.06", "model.growth.fade_kimg=0.06"),
    ],
    "adaptive augmentation, lazy penalties": [
        *("model=stylegan2", "augment=ada", "augment.adjust_kimg=1", "augment.target=-0.9"),
        *("model.r1_every=4", "model.path_every=4", "model.generator.mapping_depth=2"),
        *("model.generator.latent_dim=8", "model.generator.w_dim=8"),
    ],
    "image pools": [
        *("model=cyclegan", "data=unpaired", "data.resolution=16", "data.num=64"),
        *("model.pool_size=20", "model.generator.num_blocks=1", "data.jitter=2"),
    ],
    "places of maps": [
        *("model=cut", "data=unpaired", "data.resolution=16", "data.num=64"),
        *("model.generator.num_blocks=1", "++model.optimizers.heads.eps=1e-3"),
    ],
    "recoloured contents": ["model=adain", "data=styles", "data.resolution=16", "data.num=64"],
    "films": [
        *("model=next_frame", "data=moving_digits", "data.resolution=16", "data.side=8"),
        *("data.num=64", "data.context=2", "data.horizon=3", "model.steps=3", "data.mirror=true"),
        "++model.optimizers.frame_discriminator.eps=1e-3",
    ],
    "two stages": [
        *("model=srgan", "data=superres", "data.crop=16", "model.generator.num_blocks=1"),
        "model.warmup_kimg=0.16",
    ],
    "relativistic averages": [
        *("model=esrgan", "data=superres", "data.crop=16", "model.generator.num_blocks=1"),
        "model.warmup_kimg=0.16",
    ],
    "mismatched captions": [
        *("model=df_gan", "data=captions", "data.resolution=16", "data.num=64"),
        "model.matching_kimg=0",  # pictures and sentences are told apart in each part by itself
    ],
    "aligned films": [
        *("model=tempogan", "data=superres_video", "data.crop=16", "data.resolution=32"),
        *("model.generator.num_blocks=1", "model.temporal_discriminator.width=8"),
        *("model.warmup_kimg=0.16", "++model.optimizers.temporal_discriminator.eps=1e-3"),
    ],
    "shuffled phases": [
        "model=wavegan_conditional",
        "data=audio",
        "data.num_samples=1024",
        "data.num=64",
    ],
    "spectrograms": [
        *("model=specgan", "data=audio", "data.num_samples=1024", "data.num=64"),
        *("model.window=64", "model.hop=32", "model.num_rounds=1"),
    ],
    "piano rolls": [
        *("model=musegan", "data=pianoroll", "data.num=64", "data.num_bars=2", "data.transpose=3"),
        "model.critic_steps=2",
    ],
    "packs of rows": [
        *("model=ctgan", "data=table", "data.table=iris", "model.discriminator.pac=2"),
        "model.discriminator.dropout=0.0",
    ],
    "a game, then an encoder": [
        *("model=f_anogan", "model.encoder.width=8", "model.budget_kimg=0.32"),
        "++model.optimizers.encoder.eps=1e-3",
    ],
    "three discriminators": ["model=alad"],
    "rows of a table": ["model=ganomaly_table", "data=anomaly_table"],
    "points": ["model=gan", "data=gaussians", "model.discriminator.dropout=0.0"],
}
# In float32 these are chaotic: norms over each picture of flat drawings enlarge rounding tenfold a
# step, whatever the learning rate, and a heavy L1 loss turns a sign on it. In float64 the same
# steps can be compared.
IN_DOUBLE = {
    "image pools",
    "places of maps",
    "recoloured contents",
    "films",
    "aligned films",
}
# Batch norm and spectral norm's power iteration see each part by itself, and so does a mean of
# logits: no part knows those of the parts to come.
NOT_IN_PARTS = {"batch norm of all processes", "relativistic averages"}


@contextlib.contextmanager
def precision_of(name: str) -> Iterator[None]:
    """float64 throughout for a case that needs it, also where networks ask for float32."""
    if name not in IN_DOUBLE:
        yield
        return
    single = torch.Tensor.float
    torch.set_default_dtype(torch.float64)
    torch.Tensor.float = torch.Tensor.double
    try:
        yield
    finally:
        torch.Tensor.float = single
        torch.set_default_dtype(torch.float32)


def weights_after_training(overrides: list[str], run_dir: Path, devices: int) -> dict:
    """All weights, buffers and averages after `STEPS` steps, and four samples."""
    data, gan = build(*STEADY, *overrides)
    trainer = fit(gan, data, steps=STEPS, run_dir=run_dir, devices=devices)
    assert trainer.world_size == devices
    if hasattr(gan, "sample"):
        return {**gan.state_dict(), "samples": gan.sample(4, seed=0)}
    return {**gan.state_dict(), "samples": gan.generate(some(data, 4))}


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    for name, overrides in CASES.items():
        with precision_of(name):
            state = weights_after_training(overrides, folder, devices=2)
        torch.save(state, folder / f"{name} {torch.distributed.get_rank()}.pt")
    torch.distributed.destroy_process_group()
