"""Model files that are damaged, foreign, of another version or malicious: one clear message each, and no code of theirs runs."""

import json
import zipfile

import keras
import pytest

import kgan
from kgan import runs
from kgan.callbacks import Checkpoint, checkpoints, restore


def gan(**kwargs):
    generator = kgan.networks.mlp.generator((2,), 3, (4,))
    return kgan.GAN(
        (2,), generator=generator, **{"discriminator": kgan.networks.mlp.discriminator((2,), (4,)), "seed": 0, **kwargs}
    )


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "good.keras"
    model = gan()
    model.compile()
    model.save(path)
    return path


def altered(good, path, config=None, drop=None, **parts):
    """A copy with another configuration, other parts or without one."""
    with zipfile.ZipFile(good) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    if config:
        tree = json.loads(content["config.json"])
        config(tree)
        content["config.json"] = json.dumps(tree).encode()
    content.pop(drop, None)
    content.update({name.replace("_json", ".json"): value for name, value in parts.items()})
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in content.items():
            archive.writestr(name, value)
    return path


PROCESS = {"module": "subprocess", "class_name": "Popen", "registered_name": None}
SYSTEM = {"module": "builtins", "class_name": "function", "config": "os.system", "registered_name": "function"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"drop": "config.json"}, "config.json"),
        ({"drop": "model.weights.h5"}, "weights"),
        ({"config_json": b"{"}, "Expecting"),
        ({"config": lambda c: c["config"].update(teleport=True)}, r"kgan .* does not know: teleport"),
        ({"config": lambda c: c["config"].update(latent_size=-1)}, "`latent_size` of GAN must be an integer >= 1"),
        ({"config": lambda c: c.update(class_name="NotYet", registered_name="kgan>NotYet")}, "NotYet"),
        ({"config": lambda c: c.update(module="os", class_name="system", registered_name="os>system")}, "system"),
        ({"config": lambda c: c["config"].update(objective=SYSTEM)}, "os.system"),
    ],
)
def test_altered_files_are_refused_with_one_message(good, tmp_path, change, message):
    path = altered(good, tmp_path / "model.keras", **change)
    with pytest.raises(ValueError, match=message) as found:
        runs.load(path)
    assert str(path) in str(found.value)
    assert len(str(found.value)) < 700


def test_files_that_are_none(good, tmp_path):
    content = good.read_bytes()
    for name, part in {"empty": b"", "text": b"hello", "half": content[: len(content) // 2], "tail": content[100:-100]}.items():
        path = tmp_path / f"{name}.keras"
        path.write_bytes(part)
        with pytest.raises(ValueError, match="is no model file, or a part of one"):
            runs.load(path)
    with pytest.raises(FileNotFoundError, match="no model file"):
        runs.load(tmp_path / "nowhere.keras")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "plain.keras")
    with pytest.raises(ValueError, match="holds a Sequential, no system of kgan"):
        runs.load(tmp_path / "plain.keras")


def test_a_damaged_middle_is_refused(good, tmp_path):
    content = bytearray(good.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4000] = bytes(4000)
    path = tmp_path / "hole.keras"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a model that this version"):
        runs.load(path)


def test_no_code_of_a_file_runs(good, tmp_path):
    mark = tmp_path / "pwned"
    inner = {**PROCESS, "config": {"args": ["touch", str(mark)]}}
    with pytest.raises(ValueError, match="Popen"):
        runs.load(altered(good, tmp_path / "process.keras", config=lambda c: c["config"].update(generator=inner)))
    layers = [keras.Input((2,)), keras.layers.Lambda(lambda x: x, name="code"), keras.layers.Dense(1, name="logit")]
    model = gan(discriminator=keras.Sequential(layers, name="discriminator"))
    model.compile()
    model.save(tmp_path / "lambda.keras")
    with pytest.raises(ValueError, match="Lambda"):
        runs.load(tmp_path / "lambda.keras")
    with pytest.raises(ValueError, match="Lambda"):  # Keras' own way refuses too
        keras.saving.load_model(tmp_path / "lambda.keras")
    assert not mark.exists()


def test_a_file_of_an_older_version_loads_with_the_defaults_of_what_is_new(good, tmp_path):
    path = altered(
        good, tmp_path / "old.keras", config=lambda c: [c["config"].pop(k) for k in ("kgan_version", "generator_batch")]
    )
    assert runs.load(path).generator_batch == 1


def test_a_run_resumes_after_an_update(rng, tmp_path, monkeypatch):
    data = rng.normal(size=(16, 2)).astype("float32")
    model = gan()
    model.compile()
    model.fit(data, batch_size=8, verbose=0, callbacks=[Checkpoint(tmp_path)])
    monkeypatch.setattr("kgan.engine.saving.__version__", "99.0")
    newer = gan()
    newer.compile()
    assert restore(newer, tmp_path) == 1
    assert len(checkpoints(tmp_path)) == 1
