import pytest
import torch
from metrics.fakes import CPU, Data, shapes

from gan_lab.media import Pictures
from gan_lab.metrics.classification_score import ClassificationScore


class SplitData(Data):
    splits = ("train", "test")

    def __init__(self):
        super().__init__(600)
        self.test = shapes(200, seed=9)

    def reals(self, split="train"):
        return self.set if split == "train" else self.test


class Obedient:
    """A GAN that answers a label with a real of class `answers[label]`."""

    conditional, num_classes, shape, device = True, 3, (1, 8, 8), CPU
    medium = Pictures()

    def __init__(self, data, answers):
        self.reals, self.answers = data.set, torch.tensor(answers)
        self.labels = self.reals.labels(torch.arange(len(self.reals)))

    def sample(self, num, *, seed, label=None):
        draw = torch.Generator().manual_seed(seed)
        rows = []
        for k in self.answers[label]:
            members = (self.labels == k).nonzero().squeeze(1)
            rows.append(members[torch.randint(len(members), (1,), generator=draw)])
        return self.reals.images(torch.cat(rows)).float() / 127.5 - 1


def score(answers):
    data = SplitData()
    figure = ClassificationScore(num=600, num_images=4000)
    figure.prepare(data, CPU)
    gan = Obedient(data, answers)
    assert figure.applies(gan)
    return figure(gan, 0), figure


def test_samples_that_obey_their_labels_teach_as_well_as_reals():
    (of_samples, of_reals), figure = score([0, 1, 2])
    assert of_reals > 0.95 and of_samples > 0.95
    assert figure.names == ("cas", "cas_of_reals")
    assert (figure.num, figure.num_real) == (600, 200)


def test_a_lost_class_and_exchanged_classes_cost_accuracy():
    assert score([0, 1, 1])[0][0] < 0.9  # none looks like class 2
    assert score([1, 0, 2])[0][0] < 0.5


def test_only_for_labels_and_a_test_split():
    data, figure = SplitData(), ClassificationScore()
    figure.prepare(data, CPU)
    gan = Obedient(data, [0, 1, 2])
    gan.conditional = False
    assert not figure.applies(gan)
    gan.conditional, data.splits = True, ("train",)
    assert not figure.applies(gan)


@pytest.mark.parametrize("seed", [0, 1])
def test_samples_are_a_function_of_the_seed(seed):
    _, figure = score([0, 1, 2])
    gan = Obedient(SplitData(), [0, 1, 2])
    first, second = figure.samples(gan, seed), figure.samples(gan, seed)
    assert first.fingerprint() == second.fingerprint()
    assert first.labels(torch.arange(600)).bincount().tolist() == [200, 200, 200]
