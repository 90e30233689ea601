"""One class of a set of pictures is normal, or all but one: the usual test of a detector."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gan_lab.data.base import ArrayReals, DataModule, digest
from gan_lab.data.normal_only import NormalOnly, dealt, refuse_shares
from gan_lab.errors import UserError

Classes = int | str | Sequence[int | str]


class OneClass(NormalOnly):
    """Pictures of a labelled set, some of whose classes are normal.

    Where the set has no `test` of its own, `test_share` of each class is kept for it. Where it has
    no `val`, `val_share` of the normal training pictures is kept for that, and of the anomalous
    ones, which no training sees, as large a share if `val_anomalies` says so.

    Args:
        of: the labelled set.
        normal: the class, or classes, that are normal, by number or name; all but `anomalous` if
            None.
        anomalous: the class, or classes, that are not; all but `normal` if None. Classes that are
            neither are left out.
        test_share: of each class, kept for testing.
        val_share: of what is left of it, kept to choose thresholds on.
        val_anomalies: whether `val` holds anomalies too where the set has no `val`.
        split_seed: of the parts.
        batch_size, seed, mirror: see `DataModule`.
    """

    def __init__(
        self,
        of: DataModule,
        *,
        normal: Classes | None = None,
        anomalous: Classes | None = None,
        test_share: float = 0.5,
        val_share: float = 0.2,
        val_anomalies: bool = False,
        split_seed: int = 0,
        batch_size: int = 64,
        seed: int = 0,
        mirror: bool = False,
    ) -> None:
        if of.num_classes is None:
            raise UserError(f"data.of: {of.name} has no labels, so that no class can be normal")
        refuse_shares(test_share=test_share, val_share=val_share)
        self.of = of
        self.normal, self.strange = self.chosen(normal, anomalous)
        self.test_share, self.val_share = test_share, val_share
        self.val_anomalies = val_anomalies
        self.split_seed = split_seed
        super().__init__(
            name=f"{of.name}, {self.names(self.normal)} normal",
            shape=of.shape,
            num_classes=None,
            batch_size=batch_size,
            seed=seed,
            mirror=mirror,
        )

    def chosen(self, normal: Classes | None, anomalous: Classes | None) -> tuple[list, list]:
        """Numbers of the normal classes, and of the anomalous ones."""
        if normal is None and anomalous is None:
            raise UserError("data.normal=null: name the class that is normal, such as 0")
        every = range(self.of.num_classes)
        inside = None if normal is None else self.numbers("normal", normal)
        outside = None if anomalous is None else self.numbers("anomalous", anomalous)
        inside = [c for c in every if c not in outside] if inside is None else inside
        outside = [c for c in every if c not in inside] if outside is None else outside
        if set(inside) & set(outside) or not inside or not outside:
            raise UserError(
                f"data.normal={normal}, data.anomalous={anomalous}: of {self.names(every)}, at"
                " least one class must be normal, another anomalous, and none both"
            )
        return inside, outside

    def numbers(self, option: str, classes: Classes) -> list[int]:
        """Numbers of classes that are given by number or name."""
        names, found = self.of.class_names or [], []
        for given in [classes] if isinstance(classes, int | str) else classes:
            if isinstance(given, int) and 0 <= given < self.of.num_classes:
                found.append(given)
            elif given in names:
                found.append(names.index(given))
            else:
                raise UserError(
                    f"data.{option}={given}: {self.of.name} has no such class; choose from "
                    + self.names(range(self.of.num_classes))
                )
        return found

    def names(self, classes: Sequence[int]) -> str:
        """Classes in words."""
        names = self.of.class_names or range(self.of.num_classes)
        return ", ".join(str(names[number]) for number in classes)

    def load(self, split: str) -> ArrayReals:
        reals = self.of.reals(split if split in self.of.splits else "train")
        labels = reals.labels(range(len(reals)))
        inside, outside = (torch.isin(labels, torch.tensor(c)) for c in (self.normal, self.strange))
        chosen = torch.zeros(len(reals), dtype=torch.bool)
        for number in [*self.normal, *self.strange]:
            items = (labels == number).nonzero().squeeze(1)
            chosen[items[self.part_of(split, len(items), number)]] = True
        if split == "train" or (split not in self.of.splits and split == "val"):
            chosen &= inside | (outside if self.val_anomalies and split == "val" else False)
        items = chosen.nonzero().squeeze(1)
        if len(items) < 2:
            raise UserError(f"data.normal: {split} of {self.name} would hold {len(items)} pictures")
        known = digest(reals.fingerprint(), items.tolist(), self.normal, split)
        if split == "train":
            return ArrayReals(reals.images(items), None, known)
        return ArrayReals(reals.images(items), outside[items].long(), known)

    def part_of(self, split: str, num: int, number: int) -> Tensor:
        """Which of a class's `num` pictures belong to a part, where the set does not say."""
        key = (self.split_seed, number)
        if split in self.of.splits and split != "train":
            return torch.arange(num)
        rest, test = torch.arange(num), None
        if "test" not in self.of.splits:
            rest, test = dealt(num, self.test_share, *key, 0)
            if split == "test":
                return test
        if "val" in self.of.splits:
            return rest
        train, val = dealt(len(rest), self.val_share, *key, 1)
        return rest[val if split == "val" else train]
