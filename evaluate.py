"""Measure a run: `python evaluate.py run=runs/...`; or pictures: `folder=a/ data=digits`."""

from omegaconf import DictConfig

from gan_lab.command_line import entry


@entry("evaluate")
def main(config: DictConfig) -> None:
    from hydra.core.hydra_config import HydraConfig

    from gan_lab.apps.evaluate import evaluate

    evaluate(config, metrics_name=HydraConfig.get().runtime.choices.metrics)


if __name__ == "__main__":
    main()
