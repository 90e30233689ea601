import torch

from gan_lab.captions import to_tokens
from gan_lab.networks.text import PictureEncoder, WordEncoder


def encoder(**options):
    torch.manual_seed(0)
    return WordEncoder(max_tokens=40, dim=16, width=8, **options).eval()


def test_what_pads_a_caption_changes_nothing():
    network, texts = encoder(), ["a small red circle", "blue", "a large star left of a dog"]
    short, long = (network(to_tokens(texts, length)) for length in (26, 40))
    torch.testing.assert_close(short, long)
    alone = torch.cat([network(to_tokens([text], 40)) for text in texts])
    torch.testing.assert_close(alone, long)


def test_words_are_sums_of_the_vectors_of_their_runs_of_letters():
    network = encoder(num_runs=100_003)
    words, count = network.words(to_tokens(["ab Cde", "x"], 40))
    assert count.tolist() == [2, 1]
    seen = []
    network.runs.register_forward_hook(lambda _, inputs, out: seen.append(inputs[0]))
    again, _ = network.words(to_tokens(["cde ab", "x"], 40))
    torch.testing.assert_close(words[0], again[0].flip(0))  # wherever they stand, however written
    runs = network.runs.weight
    ones, twos, threes = (numbers[0] for numbers in seen)  # of runs that end at each letter
    expected = runs[ones[:3]].sum(0) + runs[twos[1:3]].sum(0) + runs[threes[2]]
    torch.testing.assert_close(again[0, 0], expected / 6**0.5)


def test_order_of_words_matters_and_capitals_do_not():
    network = encoder()
    first, second, third = network(
        to_tokens(["red above blue", "blue above red", "RED above Blue"], 40)
    )
    assert (first - second).abs().max() > 1e-3
    torch.testing.assert_close(first, third)


def test_vectors_have_a_mean_square_of_one():
    sentences = encoder()(to_tokens(["a", "some words", "日本語 ♥"], 40))
    torch.testing.assert_close(sentences.square().mean(1), torch.ones(3))
    pictures = PictureEncoder((3, 16, 16), dim=24, width=4)(torch.randn(2, 3, 16, 16))
    torch.testing.assert_close(pictures.square().mean(1), torch.ones(2))
