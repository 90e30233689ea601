"""Draw from a trained run: `python sample.py run=runs/... num=64 seed=0 label=3 truncation=0.7`."""

from omegaconf import DictConfig

from gan_lab.command_line import entry


@entry("sample")
def main(config: DictConfig) -> None:
    from gan_lab.sampling import draw

    print(draw(config))


if __name__ == "__main__":
    main()
