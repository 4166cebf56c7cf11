"""Where albums and stories come from: drawn albums, or VIST's files. And how a trained run tells stories."""

import json
from pathlib import Path

import kgan
from kgan import runs, stories
from kgan.files import write_json

SPLITS = ("train", "validation", "test")


class Albums:
    """Drawn albums, whose every picture is known."""

    name = "albums"
    sentence_length = 26  # the longest human sentence has 25 words

    def __init__(self, smoke=False):
        self.smoke, self.count = smoke, 24 if smoke else None
        self._classifier = None
        self.vocabulary = kgan.stories.album_vocabulary()

    @property
    def classifier(self):
        """The network that sees the pictures; trained at its first use, half a minute, and kept in kgan's cache."""
        if self._classifier is None:
            self._classifier = kgan.stories.picture_classifier(*((640, 1) if self.smoke else ()))
        return self._classifier

    def stories(self, split):
        return kgan.stories.albums(split, count=self.count, classifier=self.classifier)

    def scenes(self, split):
        """The truth about every album, a list in the order of `by_album`."""
        return list(self.stories(split).scenes.values())

    def pictures(self, split):
        """Pixels `(albums, 5, size, size, 3)`, uint8."""
        found = self.stories(split).pictures
        return found.reshape(-1, stories.sentences.PHOTOS, *found.shape[1:])


class Vist:
    """VIST, with a .npy file of features for every photo. What its pictures show is not known to any program."""

    sentence_length = 30  # the paper's

    def __init__(self, folder, features=None, smoke=False):
        self.name, self.root, self.features = f"vist:{folder}", folder, features
        self.limit = 40 if smoke else None
        self._stories = {}
        self.vocabulary = kgan.stories.vist_vocabulary(folder)

    def stories(self, split):
        if split not in self._stories:
            self._stories[split] = kgan.stories.vist(self.root, split, self.features, self.limit)
            notes = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in self._stories[split].notes.items())
            print(f"{split}: {len(self._stories[split])} stories; {notes}")
        return self._stories[split]

    def scenes(self, split):
        return None

    def pictures(self, split):
        return None


def source(data, features=None, smoke=False):
    """The data that `--data` names: "albums" or "vist:FOLDER"."""
    if data == "albums":
        if features:
            raise ValueError("--features belongs to --data vist:FOLDER; drawn albums have a classifier of their own.")
        return Albums(smoke)
    if data.startswith("vist:") and len(data) > len("vist:"):
        return Vist(data.removeprefix("vist:"), features, smoke)
    raise ValueError(f"--data must be albums or vist:FOLDER. Received: {data!r}.")


def of_run(run):
    """The data and the settings of a trained stage: `(source, settings)`."""
    path = Path(run) / "settings.json"
    if not path.is_file():
        raise FileNotFoundError(f"{str(run)!r} holds no stage of a run: there is no settings.json in it. Run train.py first.")
    about = json.loads(path.read_text())["settings"]
    return source(about["dataset"], about.get("features"), about["smoke"]), about


def told(run, split, given=None):
    """What a trained stage tells of every album of a split, kept in `stories-<split>.json` beside its model: dict of album to sentences."""
    run = Path(run)
    path, model = run / f"stories-{split}.json", run / "model.keras"
    if not model.is_file():
        raise FileNotFoundError(f"{str(run)!r} holds no trained stage: there is no model.keras in it. Run train.py first.")
    if path.is_file() and path.stat().st_mtime >= model.stat().st_mtime:
        return json.loads(path.read_text())["stories"]
    given = given or of_run(run)[0]
    stories = given.stories(split)
    names, photos, _ = stories.by_album()
    found = dict(zip(names, given.vocabulary.decode_stories(runs.load(model).tell(photos)), strict=True))
    write_json(path, {"split": split, "decode": "beam, width 3", "kgan": kgan.__version__, "stories": found})
    return found


def figures(stories, given, split, original_meteor=False):
    """Figures of told stories of a split: those of `story_report`, and the judge's where the pictures are known, as a flat dict."""
    names, _, references = given.stories(split).by_album()
    listed = [stories[name] for name in names]
    found = kgan.stories.story_report(listed, references, original_meteor)
    scenes = given.scenes(split)
    if scenes is not None:
        found |= {f"judged_{name}": float(values.mean()) for name, values in kgan.stories.judge_stories(listed, scenes).items()}
    return found
