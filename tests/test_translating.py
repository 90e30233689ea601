"""Pictures in files through a trained translator, as `sample.py input=` asks for them."""

import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image
from support import SMALL, compose

from gan_lab.errors import UserError
from gan_lab.files import atomic_write
from gan_lab.sampling import draw
from gan_lab.training import build_data, build_model, resolved, save_config


def run_of(folder, *overrides, size="data.resolution=16"):
    """A run whose only checkpoint was saved before the first step."""
    config = compose(*SMALL, size, *overrides)
    build_data(config)
    config = resolved(config)
    gan = build_model(config)
    save_config(config, folder)
    clocks = {"steps_done": 0, "batch_size": 16, "images_averaged": 0, "scalers": {}}
    state = {
        "config": OmegaConf.to_container(config),
        "state_dict": gan.state_dict(),
        "gan": clocks,
    }
    atomic_write(folder / "checkpoints" / "last.ckpt", lambda path: torch.save(state, path))
    return gan


def ask(folder, *overrides):
    return draw(compose(f"run={folder}", *overrides, name="sample"))


def picture(path, size=(40, 30), colour=(200, 90, 30)):
    Image.new("RGB", size, colour).save(path)
    return path


def test_a_picture_and_a_folder_are_answered(tmp_path):
    run_of(tmp_path / "run", "model=cyclegan", "data=unpaired")
    photo = picture(tmp_path / "photo.jpg")
    path = ask(tmp_path / "run", f"input={photo}", f"output={tmp_path}/out.png")
    assert path == tmp_path / "out.png" and Image.open(path).size == (16, 16)
    (tmp_path / "many").mkdir()
    for name in ("a.png", "b.jpg"):
        picture(tmp_path / "many" / name)
    folder = ask(tmp_path / "run", f"input={tmp_path}/many", f"output={tmp_path}/answers")
    assert sorted(f.name for f in folder.iterdir()) == ["a.png", "b.png"]


@pytest.mark.parametrize("model", ["cyclegan", "cut", "adain"])
def test_with_a_side_a_picture_keeps_its_aspect(model, tmp_path):
    data = "styles" if model == "adain" else "unpaired"
    options = ["model.generator.halvings=2"] if model == "adain" else []
    gan = run_of(tmp_path / "run", f"model={model}", f"data={data}", *options)
    photo = picture(tmp_path / "photo.jpg", (97, 60))
    ask_for = [f"input={photo}", f"output={tmp_path}/out.png", "side=30"]
    if model == "adain":
        ask_for += ["mode=style", f"mode.picture={photo}"]
    assert Image.open(ask(tmp_path / "run", *ask_for)).size == (48, 32)
    if model == "cyclegan":
        path = ask(tmp_path / "run", *ask_for, "mode=reverse")
        assert Image.open(path).size == (48, 32)
    assert gan.input_size(60, 97, side=64) == (64, 104)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model=pix2pix", "data=pairs"], "side=30: UNet answers no other size"),
        (["model=srgan", "data=superres", "data.crop=16"], "side=30: pictures are enlarged as"),
        (["model=cut", "data=unpaired"], "side=8: give 16 pixels"),
    ],
)
def test_a_side_that_cannot_be_is_refused(overrides, message, tmp_path):
    size = "data.batch_size=4" if "model=srgan" in overrides else "data.resolution=16"
    run_of(tmp_path / "run", *overrides, size=size)
    photo = picture(tmp_path / "photo.png")
    with pytest.raises(UserError, match=message):
        ask(tmp_path / "run", f"input={photo}", message.split(":")[0])
    with pytest.raises(UserError, match="size of a picture that input= names"):
        ask(tmp_path / "run", "side=30")


def test_without_input_rows_of_the_data_are_shown(tmp_path):
    run_of(tmp_path / "run", "model=pix2pix", "data=pairs")
    assert ask(tmp_path / "run", "num=4").suffix == ".png"


def test_reverse_asks_for_the_other_mapping(tmp_path):
    gan = run_of(tmp_path / "run", "model=cyclegan", "data=unpaired")
    photo = picture(tmp_path / "photo.png", (16, 16))
    out = f"output={tmp_path}/out.png"
    ask(tmp_path / "run", "mode=reverse", f"input={photo}", out)
    colour = torch.tensor([200, 90, 30]).view(1, 3, 1, 1).expand(1, 3, 16, 16) / 127.5 - 1
    expected = gan.generator_ema.eval().b_to_a(colour).clamp(-1, 1).add(1).mul(127.5).round()
    pixel = Image.open(tmp_path / "out.png").getpixel((8, 8))
    assert pixel == tuple(expected[0, :, 8, 8].int().tolist())


def test_a_style_is_a_picture_too(tmp_path):
    run_of(tmp_path / "run", "model=adain", "data=styles")
    photo = picture(tmp_path / "photo.png")
    outputs = []
    for number, colour in enumerate([(10, 20, 200), (220, 220, 20)]):
        style = picture(tmp_path / f"style{number}.png", colour=colour)
        options = ["mode=style", f"mode.picture={style}", f"input={photo}"]
        path = ask(tmp_path / "run", *options, f"output={tmp_path}/o{number}.png")
        outputs.append(Image.open(path))
    assert outputs[0].tobytes() != outputs[1].tobytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["input=nowhere.png"], "input=nowhere.png: there is no such"),
        (["mode=reverse", "input={photo}"], "mode=reverse: Pix2Pix has learnt one direction"),
        (["mode=style", "mode.picture=x.png", "input={photo}"], "mode=style: Pix2Pix takes no"),
        (["mode=reverse"], "input=null"),
        (["mode=interpolation"], "has no latents"),
        (["label=3"], "label=3: Pix2Pix takes none"),
        (["input={broken}"], "cannot be read as a picture"),
        (["input={photo}", "output=x.jpg"], r"output=x.jpg: give a .png"),
    ],
)
def test_mistakes_cost_one_message(tmp_path, options, message):
    run_of(tmp_path / "run", "model=pix2pix", "data=pairs")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    files = {"photo": picture(tmp_path / "photo.png"), "broken": tmp_path / "broken.png"}
    with pytest.raises(UserError, match=message):
        ask(tmp_path / "run", *(option.format(**files) for option in options))


def test_models_of_noise_refuse_a_picture(tmp_path):
    run_of(tmp_path / "run", "model=dcgan")
    photo = picture(tmp_path / "photo.png")
    with pytest.raises(UserError, match="draws from noise"):
        ask(tmp_path / "run", f"input={photo}")
    with pytest.raises(UserError, match="draws from noise"):
        ask(tmp_path / "run", "mode=reverse")


def test_super_resolution_answers_a_picture_at_its_own_size(tmp_path):
    small = "model.generator.num_blocks=1"
    run_of(tmp_path / "run", "model=srgan", "data=superres", small, size="data.crop=16")
    photo = picture(tmp_path / "photo.jpg", (37, 23))
    path = ask(tmp_path / "run", f"input={photo}", f"output={tmp_path}/big.png")
    assert Image.open(path).size == (4 * 37, 4 * 23)
    assert ask(tmp_path / "run", "num=2").suffix == ".png"
