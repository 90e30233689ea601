import torch
from support import build, compose

from gan_lab.metrics.engine import AnsweredFakes, evaluate, fakes_of
from gan_lab.metrics.fidelity import psnr, ssim
from gan_lab.metrics.frames import PSNRByHorizon, SSIMByHorizon
from gan_lab.metrics.paired import judge_answers
from gan_lab.metrics.suite import Suite

SIZE = [
    *("model=next_frame", "data=moving_digits", "data.resolution=16", "data.side=8"),
    *("data.num=80", "data.context=2", "data.horizon=3"),
]
CPU = torch.device("cpu")


class Truth:
    """A model that knows the future."""

    def generate(self, batch, *, seed=0, raw=False):
        return batch["video"][:, 2:]


def test_figures_by_horizon_stand_beside_those_of_the_last_frame_repeated():
    data, gan = build(*SIZE)
    suite = Suite({}, {}, paired={"psnr": PSNRByHorizon(), "ssim": SSIMByHorizon()}, split=None)
    suite.prepare(data, CPU)
    records = {r.name: r for r in evaluate(suite, [], fakes_of(gan, data, "test"), data, CPU)}
    assert list(records) == [f"{name}_{h}_4" for name in ("psnr", "ssim") for h in (1, 2, 3)]
    film = data.rows("test", range(4))["video"]
    for step in (1, 2, 3):
        expected = psnr(film[:, 1], film[:, 1 + step]).mean().item()
        assert abs(records[f"psnr_{step}_4"].beside["copy_last"] - expected) < 1e-9
    fakes = AnsweredFakes(Truth(), data, "test")
    best = {r.name: r.value for r in judge_answers(suite, fakes, data, CPU)}
    assert best["psnr_2_4"] == 100 and abs(best["ssim_3_4"] - 1) < 1e-9


def test_colour_frames_have_figures_step_by_step():
    draw = torch.Generator().manual_seed(0)
    output, truth = (
        torch.randint(256, (2, 3, 3, 12, 14), generator=draw, dtype=torch.uint8) for _ in range(2)
    )
    for formula, figure in [(PSNRByHorizon(), psnr), (SSIMByHorizon(), ssim)]:
        values = formula(output, truth)
        assert values.shape == (2, 3)
        for step in range(3):
            alone = figure(output[:, step].clone(), truth[:, step].clone())
            torch.testing.assert_close(values[:, step], alone)


def test_films_alone_have_a_horizon_and_small_frames_no_window():
    data, _ = build(*SIZE)
    assert PSNRByHorizon().applies(data) and SSIMByHorizon().applies(data)
    data.shape = (3, 1, 10, 10)
    assert PSNRByHorizon().applies(data) and not SSIMByHorizon().applies(data)
    pairs, _ = build("model=pix2pix", "data=pairs", "data.resolution=16", "data.num=64")
    assert not PSNRByHorizon().applies(pairs)


def test_every_suite_knows_films():
    from hydra.utils import instantiate

    data, _ = build(*SIZE, "data.num=2560")
    for name in ("auto", "full"):
        suite = instantiate(compose(f"metrics={name}").metrics, _convert_="all")
        assert [extractor.name for extractor in suite.choose(data)] == ["motion"]
        assert [type(f).__name__ for f in suite.paired_for(data)] == [
            *("AbsoluteError", "PSNRByHorizon", "SSIMByHorizon"),
        ]
    still, _ = build(*SIZE[:-1], "data.num=2560", "data.horizon=1")  # no motion to see
    few, _ = build(*SIZE)  # windows
    for name in ("auto", "full"):
        suite = instantiate(compose(f"metrics={name}").metrics, _convert_="all")
        assert suite.choose(still) == suite.choose(few) == []
