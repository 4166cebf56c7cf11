"""Tell the story of an album of five pictures with a trained run of train.py: five sentences, and a page with pictures and story.

python applications/arel/tell.py runs/arel/arel --album test-0003
python applications/arel/tell.py runs/arel/arel --pictures holiday/
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from pages import album_html, write_page
from sources import SPLITS, Albums, of_run

from kgan import runs
from kgan.images import list_images, read_image
from kgan.pictures import save_image
from kgan.stories.albums import PICTURE_SIZE
from kgan.stories.sentences import PHOTOS
from kgan.stories.vist import read_photo, resnet


def main(
    run: Annotated[
        str, typer.Argument(help="folder of a trained system; default runs/arel/arel, else the preset arel-albums")
    ] = "",
    folder: Annotated[
        str | None, typer.Option("--pictures", help="a folder with five pictures, told in the order of their names")
    ] = None,
    album: Annotated[
        str | None, typer.Option(help="a drawn album instead, such as test-0003; or one of VIST's, by its id")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="for pictures and a run on VIST: the file of keras.applications.ResNet152")
    ] = None,
    decode: Annotated[str, typer.Option(help="beam, greedy or sample")] = "beam",
    beam_width: Annotated[int, typer.Option(min=1, help="sentences that the search keeps")] = 3,
    seed: Annotated[int, typer.Option(help="of samples")] = 0,
    output: Annotated[str | None, typer.Option(help="folder of the page; default told/ in the run")] = None,
):
    """Print five sentences and write `index.html` with the pictures beside them."""

    def work():
        if (folder is None) == (album is None):
            raise ValueError("Give --pictures, a folder of five pictures, or --album, the name of an album.")
        home = runs.folder_of(run, "runs/arel/arel", "arel-albums")
        given, _ = of_run(home)
        place = Path(output) if output else home / "told"
        if folder is not None:
            names, shown, photos = from_folder(folder, given, weights)
        else:
            names, shown, photos, human = from_data(album, given)
        model = runs.load(home)
        (sentences,) = given.vocabulary.decode_stories(model.tell(photos[None], decode=decode, beam_width=beam_width, seed=seed))
        place.mkdir(parents=True, exist_ok=True)
        files = []
        for index, pixels in enumerate(shown if shown is not None else [None] * PHOTOS):
            files.append(None if pixels is None else f"picture-{index + 1}.png")
            if pixels is not None:
                save_image(place / files[-1], pixels)
        body = album_html(files, sentences)
        if album is not None:
            body += "\n<h2>What a person told</h2>\n" + album_html([None] * PHOTOS, human)
        write_page(place / "index.html", f"A story of {Path(folder).resolve().name if folder else album}", body)
        for name, sentence in zip(names, sentences, strict=True):
            print(f"{name}: {sentence}")
        print(f"page in {place / 'index.html'}")

    runs.guarded(work)


def from_folder(folder, given, weights):
    """Names, pixels to show and features of the five pictures in a folder."""
    files, _ = list_images(folder, deep=False)
    if len(files) != PHOTOS:
        raise ValueError(f"An album has {PHOTOS} pictures; {folder!r} holds {len(files)}: {[file.name for file in files[:10]]}.")
    drawn = isinstance(given, Albums)
    try:
        pixels = np.stack([read_image(file, PICTURE_SIZE if drawn else 224, 3) for file in files])
    except (OSError, ValueError, SyntaxError) as error:
        raise ValueError(f"A picture in {folder!r} cannot be read: {error}") from error
    if drawn:
        features = given.classifier.features(pixels / 127.5 - 1.0)
    else:
        features = np.asarray(resnet(weights)(np.stack([read_photo(file) for file in files])))
    return [file.name for file in files], pixels, features.astype("float32")


def from_data(album, given):
    """Names, pixels (or None), features and one human story of an album of the data."""
    for split in SPLITS[::-1]:
        if isinstance(given, Albums) and not album.startswith(f"{split}-"):
            continue
        names, photos, human = given.stories(split).by_album()
        if album in names:
            index, pixels = names.index(album), given.pictures(split)
            pictures = [f"picture {k + 1}" for k in range(PHOTOS)]
            return pictures, None if pixels is None else pixels[index], photos[index], human[index][0]
    raise ValueError(
        f"There is no album {album!r} in {given.name}. Drawn ones are named train-0000, validation-0000, test-0000 and so on."
    )


if __name__ == "__main__":
    typer.run(main)
