import json

import pytest
import torch
from support import build, compose, fit

from gan_lab.callbacks.evaluation import Evaluation
from gan_lab.errors import UserError
from gan_lab.metrics import engine
from gan_lab.metrics.detection import Detection, features
from gan_lab.metrics.suite import FirstSuite, Suite

CPU = torch.device("cpu")
TABLE = ["model=ganomaly_table", "data=anomaly_table"]


def suite():
    return FirstSuite({}, {}, detection=Detection(num_trees=20))


def judged(data, gan):
    chosen = suite()
    assert chosen.prepare(data, CPU) == []
    fakes = engine.fakes_of(gan, data, chosen.split)
    return {r.protocol.metric: r for r in engine.evaluate(chosen, [], fakes, data, CPU)}


def test_a_planted_anomaly_is_found_by_a_tiny_model():
    data, gan = build(*TABLE)
    fit(gan, data, steps=400)
    records = judged(data, gan)
    assert records["auroc"].value > 0.9 and records["auprc"].value > 0.8
    planted = data.reals("val").images(range(4))
    planted[2] += 6
    assert gan.anomaly_score({"image": planted}).argmax() == 2


def test_figures_stand_beside_those_of_scikit_learn_on_the_same_rows():
    data, gan = build(*TABLE)
    records = judged(data, gan)
    assert list(records) == ["auroc", "auprc", "f1", "false_alarms", "f1_contamination"]
    for record in records.values():
        assert set(record.beside) == {"isolation_forest", "one_class_svm", "pca"}
        assert record.protocol.split == "test" and record.protocol.num_real == 143
    from sklearn.decomposition import PCA
    from sklearn.metrics import roc_auc_score

    train, test = features(data, "train"), features(data, "test")
    pca = PCA(0.9).fit(train)
    residual = ((test - pca.inverse_transform(pca.transform(test))) ** 2).sum(1)
    expected = roc_auc_score(data.anomalous("test"), residual)
    assert records["auroc"].beside["pca"] == pytest.approx(expected)


def test_no_figure_of_test_rows_chooses_the_best_checkpoint(tmp_path):
    for validated, chooser in [(False, None), (True, "val_auroc_107")]:
        data, gan = build(*TABLE, f"data.val_anomalies={str(validated).lower()}")
        evaluation = Evaluation(suite(), every_kimg=1.0)
        fit(gan, data, steps=3, callbacks=[evaluation], run_dir=tmp_path)
        best = evaluation.best
        assert (best and best["name"].split("_")[:2]) == (chooser and chooser.split("_")[:2])
    lines = [json.loads(line) for line in (tmp_path / "evaluations.jsonl").open()]
    assert {line.get("decides", True) for line in lines} == {False, True}
    f1 = next(line for line in lines if line["protocol"]["metric"] == "f1")
    assert isinstance(f1["facts"]["threshold"], float)


def test_a_model_without_scores_is_refused():
    data, gan = build("model=gan", "data=anomaly_table", "model.discriminator.dropout=0.0")
    with pytest.raises(UserError, match="which OriginalGAN does not give"):
        judged(data, gan)


def test_scores_are_of_the_averaged_generator_alone():
    data, gan = build(*TABLE)
    fakes = engine.fakes_of(gan, data, "test", raw=True)
    with pytest.raises(UserError, match="raw=true"):
        suite().detection.judge(suite(), fakes, data, CPU)


def test_auto_chooses_it_for_anomalies_alone():
    from hydra.utils import instantiate

    config = compose("metrics=auto")
    chosen: Suite = instantiate(config.metrics, _convert_="all")
    assert chosen.detects(build(*TABLE)[0]) and not chosen.detects(build("data=digits")[0])
