"""VIST's files, small ones written here in its format."""

import json

import numpy as np
import pytest

import kgan
from kgan import pictures


def annotation(story, album, photo, order, text):
    entry = {
        "original_text": text.upper(), "album_id": album, "photo_flickr_id": photo, "setting": "first-2-pick-and-tell",
        "worker_id": "FJ", "story_id": story, "tier": "story-in-sequence", "worker_arranged_photo_order": order, "text": text,
        "storylet_id": f"{story}{order}",
    }  # fmt: skip
    return [entry]


def story(number, album, photos, words="the [male] went home ."):
    return [annotation(number, album, photo, order, f"{words} {order}") for order, photo in enumerate(photos)]


def write(root, split, annotations):
    (root / "sis").mkdir(parents=True, exist_ok=True)
    content = {"images": [], "albums": [], "annotations": annotations, "info": {}, "type": "vist"}
    (root / "sis" / f"{split}.story-in-sequence.json").write_text(json.dumps(content))


def photos(start):
    return [str(start + i) for i in range(5)]


@pytest.fixture
def root(tmp_path):
    """Two albums, three stories; the photos stand in another order than the stories' and each story's lines are shuffled."""
    annotations = (
        story("1", "a", photos(10)) + story("2", "a", photos(10)[::-1]) + story("3", "b", photos(20), "a rare bird sang")
    )
    write(tmp_path, "train", annotations[::-1])
    write(tmp_path, "val", story("4", "c", photos(30)))
    write(tmp_path, "test", story("5", "d", photos(40), "the bird"))
    folder = tmp_path / "features"
    (folder / "val").mkdir(parents=True)
    for number in (*range(10, 15), *range(20, 25)):
        np.save(folder / f"{number}.npy", np.full(6, number, "float32"))
    for number in range(30, 35):
        np.save(folder / "val" / f"{number}.npy", np.full((1, 6), number, "float32"))
    return tmp_path


def test_stories_in_the_order_of_the_photos(root):
    found = kgan.stories.vist(root)
    assert found.albums == ["b", "a", "a"]
    assert found.texts[2] == tuple(f"the [male] went home . {k}" for k in range(5))
    assert found.features.shape == (10, 6)  # a photo of two stories is held once
    np.testing.assert_array_equal(found.features[found.photos[2]][:, 0], range(10, 15))
    np.testing.assert_array_equal(found.features[found.photos[1]][:, 0], range(14, 9, -1))
    assert found.notes == {"stories_without_photo": 0, "photos_missing": 0, "photos_unreadable": 0}
    assert kgan.stories.vist(root, limit=1).albums == ["b"]
    validation = kgan.stories.vist(root, "validation")
    np.testing.assert_array_equal(validation.features[validation.photos[0]][:, 0], range(30, 35))


def test_vocabulary_counts_all_splits(root):
    words = kgan.stories.vist_vocabulary(root, more_than=5).words
    assert "the" in words  # 5 x 4
    assert "bird" in words  # five times in train, five in test
    assert "rare" not in words
    assert "bird" not in kgan.stories.vist_vocabulary(root, 5, splits=("train",)).words


def test_missing_and_unreadable_photos(root):
    (root / "features" / "20.npy").unlink()
    (root / "features" / "12.npy").write_bytes(b"no array")
    np.save(root / "features" / "13.npy", np.full(6, np.nan))
    with pytest.warns(UserWarning, match=r"1 of 3 stories.*1 missing.*2 photos.*13.npy"):
        found = kgan.stories.vist(root)
    assert found.albums == ["a", "a"]
    assert found.notes == {"stories_without_photo": 1, "photos_missing": 1, "photos_unreadable": 2}
    np.testing.assert_array_equal(found.features[found.photos[1]][:, 0], [10, 11, 0, 0, 14])


def test_refusals(root, tmp_path):
    with pytest.raises(ValueError, match=r"None of 1 stories.*4\d.npy"):
        kgan.stories.vist(root, "test")
    with pytest.raises(ValueError, match="one of train, validation, test"):
        kgan.stories.vist(root, "val")
    with pytest.raises(FileNotFoundError, match="no folder of features"):
        kgan.stories.vist(root, features=root / "none")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        kgan.stories.vist(tmp_path / "none")
    np.save(root / "features" / "11.npy", np.zeros(7))
    with pytest.raises(ValueError, match=r"one size.*11.npy has 7"):
        kgan.stories.vist(root)
    write(root, "train", story("1", "a", photos(10))[:4])
    with pytest.raises(ValueError, match=r"story 1 must have photos at 5 places.*\[0, 1, 2, 3\]"):
        kgan.stories.vist(root)
    write(root, "train", [{"text": "not in a list"}])
    with pytest.raises(ValueError, match="list of lists of one object"):
        kgan.stories.vist(root)
    (root / "sis" / "train.story-in-sequence.json").write_text("{")
    with pytest.raises(ValueError, match="not a story-in-sequence file"):
        kgan.stories.vist(root)
    (root / "sis" / "test.story-in-sequence.json").unlink()
    with pytest.raises(FileNotFoundError, match="stories are missing"):
        kgan.stories.vist(root, "test")


def test_features_from_photos(root):
    images, output = root / "images", root / "made"
    for split, numbers in (("train", range(10, 15)), ("val", range(30, 35))):
        (images / split).mkdir(parents=True)
        for number in numbers:
            pictures.save_image(images / split / f"{number}.png", np.full((30, 40, 3), number, "uint8"))
    (images / "train" / "11.png").write_bytes(b"no picture")
    calls = []

    def network(pixels):
        calls.append(pixels.shape)
        return pixels.mean((1, 2))

    found = kgan.stories.photo_features(root, images, output, splits=("train", "validation"), network=network, batch_size=4)
    assert found == {"written": 10, "unreadable": 1, "missing": 5}
    assert calls[0] == (4, 224, 224, 3)
    np.testing.assert_allclose(np.load(output / "train" / "12.npy"), 12.0)
    np.testing.assert_array_equal(np.load(output / "train" / "11.npy"), 0.0)
    again = kgan.stories.photo_features(root, images, output, splits=("train", "validation"), network=network)
    assert again == {"written": 0, "unreadable": 0, "missing": 5}
    with pytest.warns(UserWarning, match="1 of 3 stories"):
        assert kgan.stories.vist(root, features=output).photo_size == 3
    with pytest.raises(ValueError, match="`weights`"):
        kgan.stories.photo_features(root, images)
    with pytest.raises(FileNotFoundError, match="Nothing is downloaded"):
        kgan.stories.photo_features(root, images, weights=root / "none.h5")
    with pytest.raises(FileNotFoundError, match="no folder of photos"):
        kgan.stories.photo_features(root, root / "none", network=network)
