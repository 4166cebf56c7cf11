"""What people write about the albums of `kgan.stories.albums`: a grammar of sentences, and what a sentence claims to see.

The grammar has no recursion, so that it is a regular language: the same rules write stories and decide whether a sentence could
have been written by them. Rules are text with `{this|that}` for a choice, `{this|}` for an optional part and `<name>` for
another rule.
"""

import functools
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Fact = tuple[str, str | int]
"""A kind ("thing", "place", "weather", "color", "people") and its value."""
_Tree = tuple[str, Any]

PLACES = ("beach", "forest", "city", "park", "mountain", "lake", "farm", "fair")
WEATHERS = ("sunny", "cloudy", "rainy", "snowy")
COLORS = ("red", "blue", "yellow", "green")
STAGES = ("arrival", "activity", "mishap", "food", "farewell")
MOST_PEOPLE = 4

# Thing: a noun phrase, what the subject did with it, and for food and mishaps what else the templates want. Which words name it
# follows.
THINGS = {
    "arrival": {
        "car": ("{a|the} {<color>|} car", "{drove the {<color>|} car|took the {<color>|} car}", "car"),
        "bus": ("{a|the} {<color>|} bus", "{took the {<color>|} bus|rode the {<color>|} bus}", "bus"),
        "train": ("{a|the} train", "{took the train|rode the {early|} train}", "train"),
        "boat": ("{a|the} {<color>|} boat", "{took the {<color>|} {boat|ferry}|sailed the {<color>|} boat}", "boat ferry"),
        "bike": ("{a|the} {<color>|} bike", "{rode {a|the} {<color>|} bike|cycled}", "bike cycled"),
    },
    "activity": {
        "kite": ("{a|the} {<color>|} kite", "flew {a|the} {<color>|} kite {high in the air|}", "kite"),
        "ball": ("{a|the} {<color>|} ball", "{played with|kicked|threw} {a|the} {<color>|} ball", "ball"),
        "rod": ("{the|a} fishing rod", "{went fishing {for hours|}|tried {some|} fishing}", "fishing rod"),
        "guitar": ("{a|the} guitar", "{played the guitar|sang {songs|} with the guitar}", "guitar"),
        "horse": ("{a|the} {beautiful|brown|} horse", "{rode|petted} {a|the} {brown|} horse", "horse"),
        "ducks": ("the {cute|} ducks", "{fed|chased} the {cute|} ducks", "ducks"),
        "castle": ("{a|the} {big|} sandcastle", "built a {big|huge|} sandcastle", "sandcastle"),
        "snowman": ("{a|the} {big|} snowman", "{built|made} a {big|huge|} snowman", "snowman"),
        "ferris": ("the {big|} ferris wheel", "{rode|went on} the {big|} ferris wheel", "ferris wheel"),
        "statue": ("{a|the} {old|famous|} statue", "{visited|looked at} {a|the} {old|famous|} statue", "statue"),
        "flowers": ("the {pretty|} flowers", "{picked|smelled} {some|the} {pretty|} flowers", "flowers"),
        "tent": ("{a|the} {<color>|} tent", "{set up|slept in} the {<color>|} tent", "tent"),
    },
    "mishap": {
        "hat": ("", "the wind {blew|took} <p> {<color>|} {hat|cap} away", "hat cap"),
        "tire": ("", "<s> {got|had} a flat tire", "flat tire"),
        "dog": ("", "a {big|little|} {dog|puppy} {stole|ran off with} <p> {lunch|shoe}", "dog puppy"),
        "gull": ("", "a {hungry|} {seagull|bird} {stole|grabbed} <p> {lunch|snack}", "seagull bird"),
        "mud": ("", "{<s>|[male]|[female]} {slipped|fell} in the {mud|puddle}", "mud puddle"),
        "map": ("", "<s> got lost and {looked at|needed} {a|the} map", "lost map"),
        "bee": ("", "{a|an angry} {bee|wasp} {stung|chased} {<o>|[male]|[female]}", "bee wasp"),
        "umbrella": ("", "<s> had to open the {<color>|} umbrella", "umbrella"),
    },
    "food": {
        "cake": ("the {big|chocolate|} cake was", "{ate|shared|had} {some|a|} {delicious|chocolate|} cake", "cake"),
        "pizza": ("the {big|hot|} pizza was", "{ate|shared|had} {some|a|} {delicious|hot|} pizza", "pizza"),
        "sandwich": ("the sandwiches were", "{ate|shared|had} {some|the|} {delicious|homemade|} sandwiches", "sandwiches"),
        "icecream": ("the ice cream was", "{ate|bought|had} {some|} {delicious|} ice cream", "ice cream"),
        "corn": ("the {grilled|} corn was", "{ate|grilled|had} {some|the|} {delicious|fresh|} corn", "corn"),
        "soup": ("the {hot|} soup was", "{ate|shared|had} {some|a} {bowl of|} {delicious|hot|} soup", "soup bowl"),
        "apple": ("the {fresh|} apples were", "{ate|picked|shared} {some|the|} {delicious|fresh|} apples", "apples"),
        "burger": ("the {big|hot|} burgers were", "{ate|grilled|had} {some|the|} {delicious|big|} burgers", "burgers"),
    },
    "farewell": {
        "fireworks": ("the {amazing|} fireworks", "{watched|saw} the {amazing|} fireworks", "fireworks"),
        "sunset": ("{a|the} {beautiful|} sunset", "{watched|enjoyed} the {beautiful|} sunset", "sunset"),
        "campfire": ("{a|the} {warm|} {campfire|fire}", "{sat around|sang by} the {warm|} {campfire|fire}", "campfire fire"),
        "camera": ("{a|one last} {photo|picture}", "{took|posed for} {a|one last} {photo|picture}", "photo picture"),
        "stars": ("the {bright|} {stars|moon}", "{looked up at|saw} the {bright|} {stars|moon}", "stars moon"),
        "rainbow": ("{a|the} {beautiful|} rainbow", "{saw|noticed} a {beautiful|huge|} rainbow", "rainbow"),
    },
}
COLORED = tuple(name for things in THINGS.values() for name, parts in things.items() if "<color>" in parts[0] + parts[1])

# How a writer speaks of those in the pictures, by their number: first mention, then subject, subject with was or were, object,
# possessive.
_WE, _THEY, _I = ("we", "we were", "us", "our"), ("they", "they were", "them", "their"), ("i", "i was", "me", "my")
_KIN = "{friend|brother|sister|wife|husband}"
VOICES = {
    1: [("i", *_I), ("[male]", "he", "he was", "him", "his"), ("[female]", "she", "she was", "her", "her")],
    2: [("{we|the two of us}", *_WE), (f"my {_KIN} and i", *_WE), ("the {couple|two friends}", *_THEY)],
    3: [("{we|the three of us}", *_WE), ("my friends and i", *_WE), ("the three {friends|kids}", *_THEY)],
    4: [("{we|the four of us}", *_WE), ("my {family|parents} and i", *_WE), ("the {whole|} family", *_THEY)],
}

RULES = {
    "fill": (
        "{it was {such|} a {great|wonderful|perfect|fun} day|<s> had a {great|good|wonderful} time|everyone had {a lot of|so much} fun"
        "|it was {so much|a lot of} fun|everyone was {so|very|} {happy|excited}}"
    ),
    "whole": (
        "{it was a {great|wonderful|perfect|fun} day for everyone|<s> had a {great|good|wonderful} time {together|there|}"
        "|everyone {was having|had} {a lot of|so much} fun {that day|}|<s> had the {best|most wonderful} time of <p> {life|lives}"
        "|it was a day to remember} ."
    ),
    "end": "{, and <fill>|} .",
    "when": "{today|this morning|last weekend|for the day|for <p> vacation}",
    "arrival": (
        "{<S> <vp> to the <place> {<when>|} <end>|<S> <vp> to the <place> on a <sky> day .|<sky_was> when <S> <vp> to the <place> ."
        "|the {day|trip} {began|started} with a ride on <np> to the <place> <end>|<S> {finally|} arrived at the <place> {<when>|} <end>"
        "|<S> could not wait to see the <place> {<when>|} , and <sky_was> .|<whole>}"
    ),
    "activity": (
        "{{first|then|after that|later} <s> <vp> {at the <place>|} <end>|the best part of the {day|trip} was when <s> <vp> ."
        "|<sky_was> , so <s> <vp> <end>|<s> <vp> {all {morning|afternoon}|for a while} <end>|<s> had {so much|a lot of} fun with <np> <end>"
        "|<s> <vp> at the <place> and <fill> .|<whole>}"
    ),
    "mishap": (
        "{{then|unfortunately|suddenly|sadly} <ev> {, but <s> did not mind|, but it was still fun|} .|<ev> and everyone laughed ."
        "|<s> could not believe it when <ev> .|things went wrong {at the <place>|} when <ev> .|<whole>}"
    ),
    "food": (
        "{{for lunch|for dinner|afterwards|later} <s> <vp> {at the <place>|} <end>|<swas> {so|very|} hungry , so <s> <vp> ."
        "|<food> {so|very|} {delicious|good|tasty} <end>|everyone {loved|enjoyed} it when <s> <vp> .|<s> <vp> and <fill> .|<whole>}"
    ),
    "farewell": (
        "{{at the end of the day|in the evening|before going home} <s> <vp> {at the <place>|} <end>"
        "|the day ended with <np> {at the <place>|} <end>|<s> <vp> and {went home {happy|tired}|said goodbye} ."
        "|<s> can not wait to {come|go} back to the <place> {next year|again} ."
        "|<s> <vp> , the perfect end to a {great|wonderful|perfect|fun} day .|<whole>}"
    ),
}
_SKY = {"sunny": "{sunny|warm and sunny}", "cloudy": "{cloudy|grey}", "rainy": "{rainy|wet}", "snowy": "{snowy|cold and snowy}"}
_SKY_WAS = {
    "sunny": "{the sun was {shining|out}|it was a {beautiful|} sunny day}",
    "cloudy": "{the sky was {cloudy|grey}|it was a cloudy day}",
    "rainy": "{it was raining|the rain {was falling|did not stop}|it was a rainy day}",
    "snowy": "{it was snowing|there was snow everywhere|it was a snowy day}",
}
_PLACE = {"beach": "{beach|shore}", "forest": "{forest|woods}", "city": "{city|town}", "park": "park", "mountain": "{mountain|mountains}",
          "lake": "lake", "farm": "farm", "fair": "{fair|carnival}"}  # fmt: skip

_TOKEN = re.compile(r"[{}|]|<[a-zA-Z_]+>|[^\s{}|<>]+")


@functools.cache
def _parsed(text: str) -> _Tree:
    """The tree of a rule: ("all", parts), ("any", parts), ("rule", name) or ("word", text)."""
    tokens: list[str] = _TOKEN.findall(text)

    def sequence(at: int) -> tuple[_Tree, int]:
        parts: list[_Tree] = []
        while at < len(tokens) and tokens[at] not in "|}":
            if tokens[at] == "{":
                options, at = [], at + 1
                while True:
                    option, at = sequence(at)
                    options.append(option)
                    if tokens[at] == "}":
                        break
                    at += 1
                parts.append(("any", tuple(options)))
            elif tokens[at].startswith("<"):
                parts.append(("rule", tokens[at][1:-1]))
            else:
                parts.append(("word", tokens[at]))
            at += 1
        return ("all", tuple(parts)), at

    return sequence(0)[0]


_NOTHING: _Tree = ("all", ())


def _words(tree: _Tree, rules: Mapping[str, str], rng: random.Random, detail: float, out: list[str]) -> None:
    kind, content = tree
    if kind == "word":
        out.append(content)
    elif kind == "rule":
        _words(_parsed(rules[content]), rules, rng, detail, out)
    elif kind == "all":
        for part in content:
            _words(part, rules, rng, detail, out)
    else:
        full = content[:-1] if content[-1] == _NOTHING else content
        if full is content or rng.random() < detail:
            _words(full[rng.randrange(len(full))], rules, rng, detail, out)


@dataclass(frozen=True)
class Scene:
    """What one picture shows: the truth about it.

    Attributes:
        stage: "arrival", "activity", "mishap", "food" or "farewell".
        place: one of eight places. weather: "sunny", "cloudy", "rainy" or "snowy". people: 1 to 4.
        thing: what the picture is about, such as "kite"; every stage has its own.
        color: of the thing: "red", "blue", "yellow" or "green", which shows where a thing is colored at all.
    """

    stage: str
    place: str
    weather: str
    people: int
    thing: str
    color: str

    def facts(self) -> set[Fact]:
        """What is true of the picture: a set of `(kind, value)` as `kgan.stories.grammar.mentions` gives."""
        found: set[Fact] = {("place", self.place), ("weather", self.weather), ("people", self.people), ("thing", self.thing)}
        return found | {("color", self.color)} if self.thing in COLORED else found


def tell(scenes: Sequence["Scene"], rng: random.Random) -> tuple[str, ...]:
    """One person's story of an album.

    Args:
        scenes: the five `kgan.stories.Scene` of an album.
        rng: `random.Random`.

    Returns:
        tuple of five sentences. The writer has a voice (we, they, i, he, she) and a love of detail that hold for the whole story.
    """
    voices = VOICES[scenes[0].people]
    first, subject, was, other, own = voices[rng.randrange(len(voices))]
    detail, story = rng.uniform(0.2, 0.8), []
    for scene in scenes:
        np, vp, _ = THINGS[scene.stage][scene.thing]
        rules = {
            **RULES, "S": first, "s": subject, "swas": was, "o": other, "p": own, "np": np, "vp": vp, "ev": vp, "food": np,
            "place": _PLACE[scene.place], "sky": _SKY[scene.weather], "sky_was": _SKY_WAS[scene.weather], "color": scene.color,
        }  # fmt: skip
        words: list[str] = []
        _words(_parsed(RULES["whole"] if rng.random() < 0.05 else RULES[scene.stage]), rules, rng, detail, words)
        story.append(" ".join(words))
    return tuple(story)


@functools.cache
def _language() -> re.Pattern[str]:
    """A regular expression of all sentences, every word followed by a blank."""
    voices = [voice for options in VOICES.values() for voice in options]

    def union(texts: Iterable[str]) -> str:
        return "{" + "|".join(dict.fromkeys(texts)) + "}"

    common = {
        **RULES,
        **{name: union(v[i] for v in voices) for i, name in enumerate(("S", "s", "swas", "o", "p"))},
        "place": union(_PLACE.values()), "sky": union(_SKY.values()), "sky_was": union(_SKY_WAS.values()), "color": union(COLORS),
    }  # fmt: skip

    def expression(tree: _Tree, rules: Mapping[str, str]) -> str:
        kind, content = tree
        if kind == "word":
            return re.escape(content) + " "
        if kind == "rule":
            return expression(_parsed(rules[content]), rules)
        if kind == "all":
            return "".join(expression(part, rules) for part in content)
        return "(?:" + "|".join(expression(part, rules) for part in content) + ")"

    stages = []
    for stage in STAGES:
        things = THINGS[stage].values()
        does = union(vp for _, vp, _ in things)
        rules = {**common, "np": union(np for np, _, _ in things if np), "vp": does, "ev": does}
        rules["food"] = rules["np"]
        stages.append(expression(_parsed(RULES[stage]), rules))
    return re.compile("|".join(f"(?:{stage})" for stage in stages))


def is_grammatical(sentence: str) -> bool:
    """Whether the grammar can write this sentence, of whatever scene."""
    return _language().fullmatch("".join(f"{word} " for word in sentence.split())) is not None


def _mentions() -> dict[str, Fact]:
    found: dict[str, Fact] = {
        word: ("thing", name) for things in THINGS.values() for name, (_, _, words) in things.items() for word in words.split()
    }
    found |= {word: ("place", name) for name, text in _PLACE.items() for word in re.findall(r"\w+", text)}
    found |= {word: ("weather", name) for name, words in (
        ("sunny", "sunny sun shining"), ("cloudy", "cloudy grey"), ("rainy", "rainy wet rain raining"), ("snowy", "snowy snow snowing"),
    ) for word in words.split()}  # fmt: skip
    found |= {color: ("color", color) for color in COLORS}
    return found | {
        "couple": ("people", 2),
        "two": ("people", 2),
        "three": ("people", 3),
        "four": ("people", 4),
        "family": ("people", 4),
    }


MENTIONS = _mentions()
"""What a word claims: dict of word to `(kind, value)`, the kinds "thing", "place", "weather", "color" and "people"."""


def mentions(sentence: str) -> set[Fact]:
    """What a sentence claims to see: a set of `(kind, value)`."""
    return {MENTIONS[word] for word in sentence.split() if word in MENTIONS}
