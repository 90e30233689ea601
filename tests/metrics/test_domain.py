import torch
from metrics.fakes import CPU

from gan_lab.data.unpaired import Unpaired
from gan_lab.metrics.domain import DomainLabels, DomainShare, OutlineOverlap, foreground


def test_foreground_is_the_drawn_shapes_own_mask():
    data = Unpaired(num=40)
    picture = torch.full((1, 3, 8, 8), 240, dtype=torch.uint8)
    picture[..., 2:5, 3:7] = 90
    mask = foreground(picture)
    assert mask.sum() == 12 and mask[0, 2:5, 3:7].all()
    drawn = foreground(data.rows("train", range(20))["domain_a"])
    assert (drawn.flatten(1).float().mean(1) > 0.03).all()
    assert (drawn.flatten(1).float().mean(1) < 0.7).all()


def test_overlap_is_intersection_over_union():
    a, b = (torch.full((1, 3, 10, 10), 200, dtype=torch.uint8) for _ in range(2))
    a[..., 2:4, 2:8] = 0  # 12 pixels
    b[..., 3:5, 2:8] = 0  # 6 of them, 6 others
    b += 20  # another background
    torch.testing.assert_close(OutlineOverlap()(a, b), torch.tensor([[6 / 18]]).double())


def test_share_counts_what_a_classifier_of_both_domains_takes_for_b():
    data = Unpaired(num=200)
    share = DomainShare()
    share.prepare(data, CPU)
    rows = data.rows("test", range(40))
    assert share.parameters()["classifier_accuracy"] > 0.95
    assert share(rows["domain_b"], rows["domain_b"]).mean() > 0.95
    assert share(rows["domain_a"], rows["domain_b"]).mean() < 0.05


def test_labels_go_with_their_pictures():
    data = Unpaired(num=40, resolution=16)
    both = DomainLabels(data.reals("train"))
    order = torch.tensor([79, 0, 40, 39])
    images = both.images(order)
    assert both.labels(order).tolist() == [1, 0, 1, 0] and len(both) == 80
    columns = data.reals("train").batch(torch.tensor([39, 0]))
    assert torch.equal(images[0], columns["domain_b"][0])
    assert torch.equal(images[2], columns["domain_b"][1])
    assert torch.equal(images[3], columns["domain_a"][0])
    assert torch.equal(images[1], columns["domain_a"][1])
