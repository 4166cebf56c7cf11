"""Stories of albums: data (drawn albums, VIST), the networks that tell them, and what judges them."""

from kgan.stories import captions, grammar, meteor_score, networks
from kgan.stories.albums import Albums, album_vocabulary, albums, picture_classifier
from kgan.stories.captions import DocumentFrequencies, bleu, cider, distinct_n, join_stories, repetition, rouge_l, self_bleu
from kgan.stories.grammar import Scene
from kgan.stories.judge import compare_stories, judge_stories, tally
from kgan.stories.meteor_score import meteor, original_meteor
from kgan.stories.networks import StoryPolicy
from kgan.stories.report import metric_versions, story_report
from kgan.stories.reward import StoryReward
from kgan.stories.sentences import Stories, Vocabulary
from kgan.stories.vist import photo_features, vist, vist_vocabulary

__all__ = [
    "Albums",
    "DocumentFrequencies",
    "Scene",
    "Stories",
    "StoryPolicy",
    "StoryReward",
    "Vocabulary",
    "album_vocabulary",
    "albums",
    "bleu",
    "captions",
    "cider",
    "compare_stories",
    "distinct_n",
    "grammar",
    "join_stories",
    "judge_stories",
    "meteor",
    "meteor_score",
    "metric_versions",
    "networks",
    "original_meteor",
    "photo_features",
    "picture_classifier",
    "repetition",
    "rouge_l",
    "self_bleu",
    "story_report",
    "tally",
    "vist",
    "vist_vocabulary",
]
