"""Train a GAN: `python train.py model=dcgan data=digits`, or go on with `run=<its folder>`."""

from omegaconf import DictConfig

from gan_lab.command_line import entry


@entry("train")
def main(config: DictConfig) -> float | None:
    from hydra.core.hydra_config import HydraConfig

    from gan_lab.training import train

    return train(config, list(HydraConfig.get().overrides.task))


if __name__ == "__main__":
    main()
