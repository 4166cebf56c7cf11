"""All figures of told stories at once."""

from collections.abc import Iterable, Sequence

from kgan.stories import captions, meteor_score


def story_report(
    stories: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]], original_meteor: bool | None = None
) -> dict[str, float]:
    """Figures of told stories against human ones, one told story an album, by the paper's protocol (1804.09160).

    The five sentences are one text, taken as it is; BLEU, METEOR, ROUGE-L and CIDEr against all references of the album; the
    variety of the stories without references.

    Args:
        stories: list of stories, each five sentences, strings.
        references: for every story a list of human ones, each five sentences.
        original_meteor: True: the authors' program, some 0.1 s a reference; False: `kgan.stories.meteor`; None (default): the
            program where Java and its jar are there. The name of the figure says which: "meteor" or "meteor[exact+stem]".

    Returns:
        flat dict of fractions (papers print them times 100; CIDEr lies between 0 and 10): `bleu-1` to `bleu-4`, METEOR, `rouge-l`, `cider`,
        `distinct-1` to `distinct-4`, `self_bleu-4`, `repeated_sentences`, `repeated_4-grams`, `words` of a story, and
        `distinct_stories`.
    """
    texts, human = captions.join_stories(stories), [captions.join_stories(given) for given in references]
    original = meteor_score.find_jar() is not None if original_meteor is None else original_meteor
    scored = meteor_score.original_meteor(texts, human) if original else meteor_score.meteor(texts, human)
    return {
        **{f"bleu-{n + 1}": float(value) for n, value in enumerate(captions.bleu(texts, human)[0])},
        meteor_score.ORIGINAL if original else meteor_score.TITLE: scored[0],
        "rouge-l": captions.rouge_l(texts, human)[0],
        "cider": captions.cider(texts, human)[0],
        **{f"distinct-{n}": captions.distinct_n(texts, n) for n in (1, 2, 3, 4)},
        "self_bleu-4": captions.self_bleu(texts) if len(texts) > 1 else 0.0,
        **captions.repetition(stories),
        "words": sum(len(captions.tokens(t)) for t in texts) / len(texts),
        "distinct_stories": len(set(texts)) / len(texts),
    }


def metric_versions(figures: Iterable[str]) -> dict[str, str]:
    """What exactly the figures of a `story_report` are: dict of name to description, to be kept beside them."""
    known = {**captions.VERSIONS, **meteor_score.VERSIONS}
    found = {
        name: known["bleu" if name.startswith("bleu-") else name] for name in figures if name in known or name.startswith("bleu-")
    }
    return {
        **found,
        **({meteor_score.TITLE: f"{found[meteor_score.TITLE]}; {_stemmer()}"} if meteor_score.TITLE in found else {}),
    }


def _stemmer() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"snowballstemmer {version('snowballstemmer')}"
    except PackageNotFoundError:
        return "snowballstemmer"
