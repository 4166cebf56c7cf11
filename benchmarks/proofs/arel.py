"""Proof of AREL: on sequences that can all be listed the policy comes to the human distribution, and the reward's sign is right."""

import itertools

import keras
import numpy as np

import kgan
from benchmarks.proofs.harness import run, sign_test
from kgan.stories import StoryPolicy, join_stories
from kgan.stories import networks as stories
from kgan.stories.judge import CRITERIA
from kgan.stories.meteor_score import TITLE as METEOR

# Part A: an exact toy ----------------------------------------------------------------------------------------------------

WORDS, LENGTH, BATCH = 5, 4, 64
SEQUENCES = np.array(list(itertools.product(range(1, WORDS + 1), repeat=LENGTH)), "int32")[:, None]  # ids 1 to 5; none ends early
POLICY_STEPS = 5


class LiteralEquation(kgan.AREL):
    """Eq. 9 as printed, with descent: R is a cost, in both lines."""

    def reward_loss(self, batch):
        terms = super().reward_loss(batch)
        return {**terms, "adversarial": -terms["adversarial"]}

    def rewards(self, photos, words, likelihoods, stories):
        return -self.kappa * self.learned_reward(photos, words) - self.alpha * likelihoods


class MixedConventions(kgan.AREL):
    """R as a reward, and `R + log pi` of the second line of Eq. 9 as what the policy is paid."""

    def rewards(self, photos, words, likelihoods, stories):
        return self.kappa * self.learned_reward(photos, words) + self.alpha * likelihoods


def humans(seed):
    """30 random sequences with Dirichlet(2) weights, and 1e-4 for all: probabilities of the 625, and where the 30 are."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(SEQUENCES), 30, replace=False)
    p = np.full(len(SEQUENCES), 1e-4)
    p[chosen] += rng.dirichlet(np.full(30, 2.0))
    return p / p.sum(), chosen


def photos_of(count):
    return np.zeros((count, 1, 1), "float32")


def exact(model):
    """log pi of the 625 sequences."""
    found = model.log_probabilities(photos_of(len(SEQUENCES)), SEQUENCES, ruled=True, batch_size=len(SEQUENCES))
    return found.sum((1, 2)).astype("float64")


def entropy(p):
    return float(-(p * np.log(p)).sum())


def toy_policy():
    return StoryPolicy(WORDS + 1, 1, 1, LENGTH, units=64, encoder_dropout=0.0, dropout=0.0, repeat_penalty=0.0, min_length=LENGTH)


def play(
    seed, rounds, family=kgan.AREL, kappa=8.0, alpha=1.0, squash="softsign", reward_steps=1, policy_steps=POLICY_STEPS, rate=1e-3
):
    """Train from a warm start of 60 steps. Returns p_e and a list of figures along the way."""
    p, chosen = humans(seed)
    rng = np.random.default_rng(seed + 1)
    keras.utils.set_random_seed(seed)
    start = kgan.StoryXE(policy=toy_policy(), scheduled_sampling=None, seed=seed)
    start.compile({"policy": keras.optimizers.Adam(1e-3, global_clipnorm=10.0)}, steps_per_execution=20)
    drawn = SEQUENCES[rng.choice(len(p), 60 * BATCH, p=p)]
    start.fit(photos_of(len(drawn)), drawn, batch_size=BATCH, verbose=0)
    reward = stories.reward(WORDS + 1, 1, LENGTH, 16, 64, (2, 3, 4), squash=squash, dropout=0.0)
    model = family(
        policy=toy_policy(), reward=reward, rl_weight=1.0, kappa=kappa, alpha=alpha, reward_steps=reward_steps, policy_steps=policy_steps,
        seed=seed,
    ).start_from(start)  # fmt: skip
    both = {
        "reward": keras.optimizers.Adam(rate, beta_1=0.5, weight_decay=1e-4, global_clipnorm=10.0),
        "policy": keras.optimizers.Adam(rate, global_clipnorm=10.0),
    }
    per_look = min(20, rounds) * (reward_steps + policy_steps)
    model.compile(both, steps_per_execution=per_look)
    path = []

    def look():
        logs = exact(model)
        q = np.exp(logs)
        r = model.reward_of(photos_of(len(p)), SEQUENCES, batch_size=len(p))[:, 0]
        path.append(
            {
                "kl": float((q * (logs - np.log(p))).sum()),
                "mass": float(q[chosen].sum()),
                "entropy": entropy(q),
                "gap": float(((p - q) * r).sum()),
            }
        )

    look()
    for _ in range(rounds // 20):
        drawn = SEQUENCES[rng.choice(len(p), per_look * BATCH, p=p)]
        model.fit(photos_of(len(drawn)), drawn, batch_size=BATCH, verbose=0)
        look()
    return entropy(p), path


def rounded(path, key, count=8):
    """A figure along the way, at about `count` places."""
    places = np.unique(np.linspace(0, len(path) - 1, count).round().astype(int))
    return [round(path[i][key], 3) for i in places]


def toy(report, seed, steps):
    """Part A: V = 5, L = 4, the family with kappa 8 and alpha 1; distances are exact."""
    human, path = play(seed, steps)
    last = path[2 * len(path) // 3 :]
    best = min(last, key=lambda at: at["kl"])
    gap = float(np.mean([at["gap"] for at in path[1:]]))
    for key, name in {
        "kl": "KL(pi to p_e)",
        "mass": "mass on human sequences",
        "entropy": "H(pi)",
        "gap": "E_pe R - E_pi R",
    }.items():
        report.figure(f"A {name} along {steps} rounds", rounded(path, key), seed=seed)
    report.figure("A best KL in the last third", best["kl"], "<= 0.8", best["kl"] <= 0.8, seed)
    report.figure("A mass on human sequences there", best["mass"], ">= 0.7", best["mass"] >= 0.7, seed)
    report.figure(f"A H(pi) there (p_e {human:.2f})", best["entropy"], "+- 0.7", abs(best["entropy"] - human) <= 0.7, seed)
    report.figure("A mean of E_pe R - E_pi R", gap, "> 0", gap > 0, seed)


VARIANTS = {
    "no entropy term": {"alpha": 0.0},
    "Eq. 9 as printed": {"family": LiteralEquation},
    "reward R + log pi, linear R, blocks of 10": {
        "family": MixedConventions, "squash": "linear", "reward_steps": 10, "policy_steps": 10, "kappa": 1.0,
    },
    "kappa 1, blocks of 10": {"kappa": 1.0, "reward_steps": 10, "policy_steps": 10},
}  # fmt: skip


def wrong(report, seed, steps):
    """Part V: what goes wrong otherwise. No bars, but for the sign of the reward's gap."""
    for name, settings in VARIANTS.items():
        per_round = settings.get("reward_steps", 1) + settings.get("policy_steps", POLICY_STEPS)
        _, path = play(seed, max(20, steps * (1 + POLICY_STEPS) // per_round), **settings)
        end = path[-1]
        report.figure(f"V {name}: KL, mass, H(pi) at the end", [end["kl"], end["mass"], end["entropy"]], seed=seed)
        gap = float(np.mean([at["gap"] for at in path[1:]]))
        literal = settings.get("family") is LiteralEquation
        report.figure(f"V {name}: mean of E_pe R - E_pi R", gap, "< 0" if literal else None, gap < 0 if literal else None, seed)


# Part B: drawn albums ----------------------------------------------------------------------------------------------------

SENTENCE, STORIES = 26, 32  # words of a sentence with its end, stories of a minibatch
BLOCK, LOOK = 25, 100  # minibatches of a player's block, and between evaluations: an epoch of `fit`, about half a pass
SAMPLING = (10, 0.05, 0.25)  # the authors' schedule: 0.05 more every five passes
METRICS = ("bleu-1", "bleu-2", "bleu-3", "bleu-4", METEOR, "rouge-l", "cider")
PAPER_S = "AREL, the paper's form"
FORMS = {"AREL": ("product", {"generator": 0.99}), PAPER_S: ("add", None)}  # fusion of text and photo, averages of the policy
GAMERS = {"METEOR-RL": 1.0, "METEOR-RL, weight 0.5": 0.5}  # the authors' weight is 0.5
RELEASED = {  # on VIST, times 100: the stories that the authors released of XE-ss and AREL-s; of METEOR-RL the paper's table
    "XE-ss": (63.4, 39.4, 23.5, 14.3, 35.4, 30.0, 9.0),
    "AREL": (63.8, 38.9, 22.9, 13.8, 34.9, 29.4, 9.5),
    "METEOR-RL": (68.1, 35.0, 15.4, 6.8, 40.2, 30.0, 1.2),
}


class World:
    """Albums of a seed, their words, and what is measured on the held-out ones."""

    def __init__(self, seed, smoke):
        count = {"train": 24, "validation": 8, "test": 8} if smoke else dict.fromkeys(("train", "validation", "test"))
        self.train, self.validation, self.test = (kgan.stories.albums(split, count=n, seed=seed) for split, n in count.items())
        self.vocabulary = kgan.stories.album_vocabulary()
        self.names, self.photos, self.references = self.test.by_album()
        self.scenes = [self.test.scenes[name] for name in self.names]
        self.held_out = self.validation.arrays(self.vocabulary, SENTENCE)

    def policy(self):
        return StoryPolicy(len(self.vocabulary), self.train.photo_size, 5, SENTENCE, units=96, encoder_dropout=0.0, dropout=0.1)

    def data(self, minibatches, seed):
        passes = -(-minibatches * STORIES // len(self.train))
        return self.train.load(self.vocabulary, STORIES, SENTENCE, seed=seed, passes=passes).take(minibatches)

    def validation_meteor(self, model):
        _, photos, references = self.validation.by_album()
        told = self.vocabulary.decode_stories(model.tell(photos))
        return kgan.stories.meteor(join_stories(told), [join_stories(given) for given in references])[0]

    def best_of(self, model, minibatches, seed, watch=None, after=0):
        """Train, `after` earlier minibatches, and keep the weights best by METEOR on the validation albums, as the authors do."""
        look = min(LOOK, minibatches)
        best = kgan.callbacks.BestOnPlateau(self.validation_meteor, "meteor", patience=10)
        seen = [best] if watch is None else [best, keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: watch())]
        data = self.data(minibatches, seed).repeat()
        epochs = {"initial_epoch": after // look, "epochs": (after + minibatches) // look}
        history = model.fit(data, steps_per_epoch=look, verbose=0, callbacks=seen, **epochs).history
        best.restore()
        return [round(value, 3) for value in history["meteor"]]

    def figures(self, told):
        """Figures of told stories of the test albums, and the judge's mean criteria."""
        found = kgan.stories.story_report(told, self.references, original_meteor=False)
        judged = kgan.stories.judge_stories(told, self.scenes)
        return {**found, **{name: float(values.mean()) for name, values in judged.items()}}

    def gap(self, model, seed):
        """Mean R of held-out human stories less that of samples about the same photos."""
        photos, human = self.held_out
        sampled = model.tell(photos, "sample", seed=seed)
        return float(model.reward_of(photos, human).mean() - model.reward_of(photos, sampled).mean())


def adam(rate):
    return keras.optimizers.Adam(rate, beta_1=0.8, beta_2=0.999, epsilon=1e-8, global_clipnorm=10.0)


def systems(report, world, seed, steps):
    """Train XE-ss, then the others from its start for `steps` minibatches (METEOR-RL a third). Returns their stories of the test albums."""
    at_once, told = min(BLOCK, steps // 4), {}

    def tells(name, model):
        told[name] = world.vocabulary.decode_stories(model.tell(world.photos))

    look, warm = min(LOOK, steps), 2 * steps
    start = kgan.StoryXE(policy=world.policy(), scheduled_sampling=SAMPLING, seed=seed)
    start.compile({"policy": adam(keras.optimizers.schedules.CosineDecay(4e-3, warm, alpha=0.05))}, steps_per_execution=at_once)
    start.fit(world.data(warm, seed).repeat(), steps_per_epoch=look, epochs=warm // look, verbose=0)
    tells("start", start)

    xe = kgan.StoryXE(policy=world.policy(), scheduled_sampling=SAMPLING, seed=seed).start_from(start)
    xe.compile({"policy": adam(4e-4)}, steps_per_execution=at_once)
    report.figure("B XE-ss: METEOR on validation", world.best_of(xe, steps, seed + 1, after=warm), seed=seed)
    tells("XE-ss", xe)

    block = min(BLOCK, steps // 4)
    for name, (fusion, averages) in FORMS.items():
        reward = stories.reward(len(world.vocabulary), world.train.photo_size, SENTENCE, 64, 64, fusion=fusion)
        arel = kgan.AREL(policy=world.policy(), reward=reward, reward_steps=block, policy_steps=block, seed=seed).start_from(
            start
        )
        arel.compile({"reward": adam(5e-4), "policy": adam(4e-4)}, averages=averages, steps_per_execution=at_once)
        arel.fit(world.data(block, seed + 2), verbose=0)  # the reward's first block
        gaps = [world.gap(arel, seed)]
        path = world.best_of(arel, steps, seed + 3, watch=lambda arel=arel, gaps=gaps: gaps.append(world.gap(arel, seed)))
        report.figure(f"B {name}: METEOR on validation", path, seed=seed)
        # Behind "add" the photo's part is the same for both stories: only the form that can compare the two is held to a bar.
        bar, ok = ("> 0", [gap > 0 for gap in gaps]) if fusion == "product" else (None, [None])
        report.figure(f"B {name}: R(human) - R(sample), held out, after the first block", gaps[0], bar, ok[0], seed)
        report.figure(f"B {name}: the same later", [round(g, 3) for g in gaps[1:]], bar and f"all {bar}", bar and all(ok), seed)
        tells(name, arel)

    paid = kgan.stories.StoryReward.of_training("meteor", world.vocabulary, world.train)
    for name, weight in GAMERS.items():
        gamer = kgan.StoryRL(policy=world.policy(), metric=paid, rl_weight=weight, seed=seed).start_from(start)
        gamer.compile({"policy": adam(4e-4)}, steps_per_execution=at_once)
        report.figure(f"B {name}: METEOR on validation", world.best_of(gamer, max(4, steps // 3), seed + 1), seed=seed)
        tells(name, gamer)
    return told


def albums(report, seed, steps):
    """Part B: XE-ss, AREL in two forms and METEOR-RL with two weights on drawn albums whose pictures are known; 200 test albums of five
    references, beam search.

    The seven metrics have no bar: the stories that the authors released lie above those of their own start in two of them. Theirs stand
    beside ours. The bar is on the judge, who knows what the pictures show: a sign test over the albums, on every one of three seeds.
    """
    world = World(seed, report.smoke)
    told = systems(report, world, seed, steps)
    found = {name: world.figures(texts) for name, texts in told.items()}
    for name, values in found.items():
        report.figure(f"B {name}", {key: round(value, 4) for key, value in values.items()}, seed=seed)
        report.figure(f"B {name} tells", told[name][0], seed=seed)
        released = RELEASED.get(name.split(",")[0])
        beside = f" (the authors' on VIST: {', '.join(map(str, released))})" if released else ""
        report.figure(
            f"B {name}: BLEU-1 to 4, METEOR, ROUGE-L, CIDEr, times 100{beside}",
            [round(100 * values[m], 1) for m in METRICS],
            seed=seed,
        )
    xe, gamer = found["XE-ss"], found["METEOR-RL"]

    for name in FORMS:
        arel = found[name]
        report.figure(f"B {name} above XE-ss in", [metric for metric in METRICS if arel[metric] > xe[metric]], seed=seed)
        judged = {criterion: [xe[criterion], arel[criterion]] for criterion in CRITERIA}
        means = np.mean(list(judged.values()), axis=0)
        report.figure(f"B the judge: XE-ss and {name}", {**judged, "mean": means.tolist()}, seed=seed)
        decisions = kgan.stories.compare_stories(told[name], told["XE-ss"], world.scenes)["overall"]
        report.figure(f"B the judge: {name} against XE-ss, album by album", kgan.stories.tally(decisions), seed=seed)
        report.over_seeds(
            f"B the judge: {name} better than XE-ss, sign test over albums, p",
            sign_test(decisions), seed, "<= 0.05 on every seed", lambda p: p <= 0.05, max, least=3,
        )  # fmt: skip
        share = arel["distinct-4"] / xe["distinct-4"]
        report.figure(f"B distinct 4-grams, {name} : XE-ss", share, ">= 0.8", share >= 0.8, seed)
        more = arel["repeated_4-grams"] - xe["repeated_4-grams"]
        report.figure(f"B 4-grams repeated in a story, {name} less XE-ss", more, "<= 0.02", more <= 0.02, seed)

    own = gamer[METEOR] - xe[METEOR]
    report.figure("B METEOR-RL: METEOR less XE-ss's", own, "> 0", own > 0, seed)
    lower = {name: [metric for metric in METRICS if found[name][metric] < xe[metric]] for name in GAMERS}
    report.figure("B METEOR-RL below XE-ss in", lower["METEOR-RL"], ">= 3 of 6", len(lower["METEOR-RL"]) >= 3, seed)
    report.figure("B METEOR-RL, weight 0.5, below XE-ss in", lower["METEOR-RL, weight 0.5"], seed=seed)


PARTS = {"A": (toy, 400), "V": (wrong, 200), "B": (albums, 1000)}


if __name__ == "__main__":
    run("arel", __doc__, PARTS)
