"""Proof of AREL: on sequences that can all be listed the policy comes to the human distribution, and the reward's sign is right."""

import itertools

import keras
import numpy as np

import kgan
from benchmarks.proofs.harness import run
from kgan.networks import StoryPolicy, stories

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
        return -self.kappa * self.payment(photos, words) - self.alpha * likelihoods


class MixedConventions(kgan.AREL):
    """R as a reward, and `R + log pi` of the second line of Eq. 9 as what the policy is paid."""

    def rewards(self, photos, words, likelihoods, stories):
        return self.kappa * self.payment(photos, words) + self.alpha * likelihoods


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


PARTS = {"A": (toy, 400), "V": (wrong, 200)}


if __name__ == "__main__":
    run("arel", __doc__, PARTS)
