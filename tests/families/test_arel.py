"""AREL, StoryGAN and StoryRL: signs and gradients against exact enumeration, baseline, blocks, modes, ends of sentences."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from benchmarks.proofs.arel import LiteralEquation
from kgan import backend
from tests.conformance.specs import STORIES, SharedWords, albums

PHOTOS, TOLD = albums(np.random.default_rng(0), 12)
BLOCKS = {"reward_steps": 1, "policy_steps": 1}


def build(family=kgan.AREL, scale=0.5, **kwargs):
    keras.utils.set_random_seed(1)
    extra = {} if family is kgan.StoryRL else {"filters": 3, **BLOCKS}
    model = family(9, **{**STORIES, **extra, **kwargs})
    rng = np.random.default_rng(2)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(0.0, scale, weight.shape).astype("float32"))
    return model


def minibatch():
    return ops.convert_to_tensor(PHOTOS), ops.convert_to_tensor(TOLD)


def terms_and_gradients(model, move, variables, training=True, term=None):
    """Terms of a move's loss and gradients (NumPy) of one term or of their sum."""
    found = {}

    def value(tensors):
        with backend.Overlay(zip(variables, tensors, strict=True), moving=frozenset()):
            terms = move(minibatch())
        found.update({name: t.value if isinstance(t, kgan.Observation) else t for name, t in terms.items()})
        minimized = [t for name, t in terms.items() if not isinstance(t, kgan.Observation) and term in (None, name)]
        return sum(minimized), None

    with backend.Overlay(training=training):
        _, gradients = backend.value_and_gradients(value, [backend.constant(v) for v in variables])
    return {k: float(ops.convert_to_numpy(v)) for k, v in found.items()}, [ops.convert_to_numpy(g) for g in gradients]


# Against enumeration -----------------------------------------------------------------------------------------------------

WORDS, LENGTH = 3, 2
SEQUENCES = np.array(list(itertools.product(range(1, WORDS + 1), repeat=LENGTH)), "int32")[:, None]


class Toy:
    """Nine sequences of two words, of which everything is known."""

    def __init__(self, count=3000, family=kgan.AREL, **kwargs):
        keras.utils.set_random_seed(0)
        policy = kgan.stories.StoryPolicy(
            WORDS + 1, 1, 1, LENGTH, units=4, encoder_dropout=0.0, dropout=0.0, repeat_penalty=0.0, min_length=LENGTH
        )
        reward = kgan.stories.networks.reward(WORDS + 1, 1, LENGTH, 3, 4, (1, 2), squash="linear", dropout=0.0)
        self.model = family(policy=policy, reward=reward, seed=0, rl_weight=1.0, **{"alpha": 1.0, "kappa": 2.0, **kwargs})
        rng = np.random.default_rng(1)
        for weight in self.model.trainable_weights:
            weight.assign(rng.normal(0.0, 0.7, weight.shape).astype("float32"))
        self.photos = np.ones((count, 1, 1), "float32")
        self.p_e = rng.dirichlet(np.ones(len(SEQUENCES)))
        self.humans = SEQUENCES[rng.choice(len(SEQUENCES), count, p=self.p_e)]

    def sampled(self, move, players):
        """Gradient of the move's loss from samples, as one vector."""
        variables = [v for player in players for v in getattr(self.model, player).trainable_variables]

        def value(tensors):
            with backend.Overlay(zip(variables, tensors, strict=True), moving=frozenset()):
                terms = move((ops.convert_to_tensor(self.photos), ops.convert_to_tensor(self.humans)))
            return sum(t for name, t in terms.items() if not isinstance(t, kgan.Observation) and name != "value"), None

        with backend.Overlay(training=False):  # batch norm as in the enumeration; there is no dropout
            return flat(backend.value_and_gradients(value, [backend.constant(v) for v in variables])[1])

    def exact(self, objective, player):
        """Gradient of a function of `(log pi, R)` of the nine sequences, differentiated through the enumeration."""
        policy, variables = self.model.policy, getattr(self.model, player).trainable_variables
        photos, words = ops.convert_to_tensor(self.photos[: len(SEQUENCES)]), ops.convert_to_tensor(SEQUENCES[:, 0])

        def value(tensors):
            with backend.Overlay(zip(variables, tensors, strict=True)):
                fed = kgan.stories.networks.shifted(words)
                logits = policy.logits(policy.decode(fed, policy.encode(photos)))
                logs = ops.sum(policy.log_probabilities(logits, words, ruled=True), -1)
                scores = self.model.score(photos, SEQUENCES)[:, 0]
                return objective(logs, scores), None

        return flat(backend.value_and_gradients(value, [backend.constant(v) for v in variables])[1])


def flat(gradients):
    return np.concatenate([ops.convert_to_numpy(g).ravel() for g in gradients])


def cosine(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_the_policy_descends_the_divergence_to_the_boltzmann_distribution():
    """E_pi[log pi - kappa R], the gradient through pi alone, over the words of a sentence."""
    toy = Toy()
    expected = toy.exact(lambda logs, r: ops.sum(ops.exp(logs) * (logs - 2.0 * r)), "policy") / LENGTH
    found = toy.sampled(toy.model.policy_loss, ["policy"])
    assert cosine(found, expected) > 0.97
    assert 0.8 < np.linalg.norm(found) / np.linalg.norm(expected) < 1.25
    # Without the entropy term, as released: E_pi[-kappa R]; the gradients differ.
    released = Toy(alpha=0.0)
    expected = released.exact(lambda logs, r: -2.0 * ops.sum(ops.exp(logs) * r), "policy") / LENGTH
    assert cosine(released.sampled(released.model.policy_loss, ["policy"]), expected) > 0.97
    assert cosine(found, expected) < 0.95


def test_the_reward_descends_the_difference_of_divergences():
    toy = Toy()
    p_e = ops.convert_to_tensor(toy.p_e.astype("float32"))
    expected = toy.exact(lambda logs, r: ops.sum((ops.exp(logs) - p_e) * r), "reward")
    found = toy.sampled(toy.model.reward_loss, ["reward"])
    assert cosine(found, expected) > 0.97
    # The literal Eq. 9 moves R the other way: there it is a cost.
    literal = Toy(family=LiteralEquation)
    assert cosine(literal.sampled(literal.model.reward_loss, ["reward"]), expected) < -0.97
    expected = literal.exact(lambda logs, r: ops.sum(ops.exp(logs) * (logs + 2.0 * r)), "policy")
    assert cosine(literal.sampled(literal.model.policy_loss, ["policy"]), expected) > 0.97


# The terms ---------------------------------------------------------------------------------------------------------------


def test_the_baseline_pushes_no_gradient_into_the_policy_and_the_advantage_none_into_the_baseline():
    model = build()
    variables = [*model.policy.trainable_variables, *model.baseline.trainable_variables]
    count = len(model.policy.trainable_variables)
    for term, of_policy, of_baseline in (("value", False, True), ("action", True, False), ("cross_entropy", True, False)):
        _, gradients = terms_and_gradients(model, model.policy_loss, variables, term=term)
        assert any(g.any() for g in gradients[:count]) is of_policy, term
        assert any(g.any() for g in gradients[count:]) is of_baseline, term


def test_the_mixed_loss_by_hand():
    """All terms from the words that were drawn, with NumPy, in evaluation (no dropout)."""
    model = build(alpha=0.3, kappa=2.0, rl_weight=0.25, policy_steps=7)
    drawn, draw = [], model.drawn_words
    model.drawn_words = lambda *args: drawn.append(draw(*args)) or drawn[-1]
    found, _ = terms_and_gradients(model, model.policy_loss, model.baseline.trainable_variables, training=False)
    words = ops.convert_to_numpy(drawn[0]).reshape(TOLD.shape)
    logs = model.log_probabilities(PHOTOS, words, ruled=True)
    mask = np.concatenate([np.ones((12, 5, 1)), (words != 0).cumprod(-1)[..., :-1]], -1)
    reward = (2.0 * model.reward_of(PHOTOS, words) - 0.3 * logs.sum(-1))[..., None]
    policy = model.policy
    states = policy.decode(kgan.stories.networks.shifted(ops.convert_to_tensor(words.reshape(-1, 7))), policy.encode(PHOTOS))
    b = ops.convert_to_numpy(model.baseline(states)).reshape(words.shape)
    human, human_mask = model.log_probabilities(PHOTOS, TOLD), np.concatenate([np.ones((12, 5, 1)), (TOLD != 0)[..., :-1]], -1)
    assert found["action"] == pytest.approx(-0.25 * (mask * (reward - b) * logs).sum() / mask.sum(), rel=1e-4)
    assert found["value"] == pytest.approx(0.25 * (mask * (reward - b) ** 2).sum() / mask.sum(), rel=1e-4)
    assert found["cross_entropy"] == pytest.approx(-0.75 * human.sum() / human_mask.sum(), rel=1e-4)
    assert found["reward"] == pytest.approx(reward.mean(), rel=1e-4)
    assert found["length"] == pytest.approx(mask.sum(-1).mean() - 1, rel=1e-5)
    assert found["log_probability"] == pytest.approx(logs.sum(-1).mean(), rel=1e-5)


def test_per_token_divides_by_the_words_of_a_sentence():
    words = np.array([[[3, 4, 5, 6, 7, 8, 0], [3, 4, 0, 0, 0, 0, 0]]] * 2, "int32")
    likelihoods, photos = ops.convert_to_tensor([[-14.0, -6.0]] * 2), ops.zeros((2, 2, 4))
    whole, each = (build(num_photos=2, alpha=1.0, kappa=0.0, per_token=p) for p in (False, True))
    assert ops.convert_to_numpy(whole.rewards(photos, words, likelihoods, words)).tolist() == [[14.0, 6.0]] * 2
    assert ops.convert_to_numpy(each.rewards(photos, words, likelihoods, words)).tolist() == [[2.0, 2.0]] * 2


def test_cross_entropy_or_reinforcement_alone():
    model = build(rl_weight=0.0)
    assert model.policy_move().players == ("policy",)
    found, _ = terms_and_gradients(model, model.policy_loss, model.policy.trainable_variables, training=False)
    assert list(found) == ["cross_entropy"]
    xe = kgan.StoryXE(9, **STORIES).start_from(model)
    xe.compile()
    loss = xe.evaluate(PHOTOS, TOLD, batch_size=12, verbose=0, return_dict=True)["policy/cross_entropy"]
    assert found["cross_entropy"] == pytest.approx(loss, rel=1e-5)
    found, _ = terms_and_gradients(*(lambda m: (m, m.policy_loss, m.baseline.trainable_variables))(build(rl_weight=1.0)))
    assert "cross_entropy" not in found
    assert "action" in found


def test_a_policy_round_draws_once():
    model = build()
    calls, draw = [], model.policy.unroll
    model.policy.unroll = lambda *args, **kwargs: calls.append(1) or draw(*args, **kwargs)
    terms_and_gradients(model, model.policy_loss, model.policy.trainable_variables)
    assert len(calls) == 1


# The reward --------------------------------------------------------------------------------------------------------------


def test_words_behind_the_end_do_not_reach_the_reward():
    model = build()
    short = TOLD.copy()
    short[..., 3:] = 0
    tail = short.copy()
    tail[..., 4:] = 5
    np.testing.assert_array_equal(
        *(ops.convert_to_numpy(model.score(ops.convert_to_tensor(PHOTOS), ops.convert_to_tensor(s))) for s in (short, tail))
    )
    assert (model.reward_of(PHOTOS, TOLD) != model.reward_of(PHOTOS, short)).any()


def test_rewards_of_sentences_depend_on_their_own_photo_and_words():
    model = build(fusion="product")
    before = model.reward_of(PHOTOS, TOLD)
    photos, stories = PHOTOS.copy(), TOLD.copy()
    photos[:, 1] += 1.0
    stories[:, 3, 0] = (stories[:, 3, 0] + 1) % 7 + 2
    changed = (model.reward_of(photos, stories) != before).any(0)
    assert changed.tolist() == [False, True, False, True, False]


def test_in_a_block_the_player_at_rest_is_in_inference():
    model = build()
    modes = {"policy": [], "reward": []}
    encode, reward = model.policy.encode, model.reward.call
    model.policy.encode = lambda photos, training=False: modes["policy"].append(bool(training)) or encode(photos, training)

    class Spy(keras.layers.Layer):
        def call(self, inputs, training=None):
            modes["reward"].append(bool(training))
            return inputs

    spy = Spy()
    score = model.score
    model.score = lambda photos, words, training=False: spy(score(photos, words, training), training=training)
    del reward
    terms_and_gradients(model, model.reward_loss, model.reward.trainable_variables)
    assert modes == {"policy": [False], "reward": [True]}
    terms_and_gradients(model, model.policy_loss, model.policy.trainable_variables)
    assert modes == {"policy": [False, True], "reward": [True, False]}


def test_blocks_of_minibatches_the_reward_first():
    model = build(reward_steps=3, policy_steps=2)
    model.compile()
    assert model._play.per_round == 1  # every minibatch is fresh, and only one player sees it
    due = []
    for played in range(10):
        model.optimizer.iterations.assign(played)
        due.append((bool(model.reward_due()), bool(model.policy_due())))
    assert due == ([(True, False)] * 3 + [(False, True)] * 2) * 2
    assert (kgan.AREL(9, **STORIES).reward_steps, kgan.AREL(9, **STORIES).policy_steps) == (50, 50)


def descend(model, move, players, rate, steps=1):
    """A few steps of plain descent in evaluation mode."""
    variables = [v for player in players for v in getattr(model, player).trainable_variables]
    for _ in range(steps):
        _, gradients = terms_and_gradients(model, move, variables, training=False)
        for variable, gradient in zip(variables, gradients, strict=True):
            variable.assign(ops.convert_to_numpy(variable) - rate * gradient)


def test_a_step_of_the_reward_opens_the_gap():
    model = build(scale=0.2)
    samples = model.tell(PHOTOS, "sample", seed=0)

    def gap():
        return (model.reward_of(PHOTOS, TOLD) - model.reward_of(PHOTOS, samples)).mean()

    before = gap()
    descend(model, model.reward_loss, ["reward"], 0.5)
    assert gap() > before


def test_the_discriminator_of_the_gan_baseline():
    model = build(kgan.StoryGAN)
    found, _ = terms_and_gradients(model, model.reward_loss, model.reward.trainable_variables, training=False)
    human = model.reward_of(PHOTOS, TOLD)
    logit = ops.convert_to_numpy(model.score(ops.convert_to_tensor(PHOTOS), TOLD))
    np.testing.assert_allclose(human, 1 / (1 + np.exp(-logit)), rtol=1e-4)
    assert found["human"] == pytest.approx(human.mean(), rel=1e-5)
    assert found["adversarial"] > -np.log(human).mean()  # the other half is E_pi -log(1 - D)
    likelihoods = np.zeros((12, 5), "float32")
    paid = ops.convert_to_numpy(model.rewards(PHOTOS, TOLD, likelihoods, TOLD))
    np.testing.assert_allclose(paid, human, rtol=1e-5)
    logged = ops.convert_to_numpy(build(kgan.StoryGAN, log_reward=True).rewards(PHOTOS, TOLD, likelihoods, TOLD))
    np.testing.assert_allclose(np.exp(logged), human, rtol=1e-4)


def test_a_metric_is_paid_to_all_words_of_a_story():
    seen = []

    class Metric(SharedWords):
        def __call__(self, samples, references):
            seen.append((samples, references))
            return np.arange(len(samples), dtype="float64")

    model = build(kgan.StoryRL, metric=Metric())
    likelihoods = np.zeros((12, 5), "float32")
    paid = ops.convert_to_numpy(
        model.rewards(PHOTOS, ops.convert_to_tensor(TOLD), likelihoods, ops.convert_to_tensor(TOLD[::-1]))
    )
    np.testing.assert_array_equal(paid, np.arange(12.0)[:, None] * np.ones((1, 5)))
    (samples, references), *_ = seen
    np.testing.assert_array_equal(samples, TOLD)
    np.testing.assert_array_equal(references, TOLD[::-1])
    with pytest.raises(TypeError, match="metric"):
        kgan.StoryRL(9, **STORIES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rl_weight": 1.5}, "rl_weight"),
        ({"rl_weight": -0.1}, "rl_weight"),
        ({"kappa": -1.0}, "kappa"),
        ({"alpha": float("inf")}, "alpha"),
        ({"reward_steps": 0}, "reward_steps"),
        ({"policy_steps": 2.0}, "policy_steps"),
        ({"sentence_length": 4}, "widths|min_length"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kgan.AREL(9, **{**STORIES, "filters": 2, **arguments})


def test_a_reward_of_ones_own_must_fit():
    reward = kgan.stories.networks.reward(9, 5, 7, 3, 2)
    with pytest.raises(ValueError, match="The reward must turn"):
        kgan.AREL(9, reward=reward, **STORIES)


def test_clipping_and_rates_are_the_authors():
    for model, rate in ((build(), 2e-4), (kgan.StoryXE(9, **STORIES), 4e-4)):
        for optimizer in model.default_optimizers().values():
            config = optimizer.get_config()
            assert config["learning_rate"] == pytest.approx(rate)
            assert (config["beta_1"], config["beta_2"], config["epsilon"]) == (0.8, 0.999, 1e-8)
            assert config["global_clipnorm"] == 10.0
            assert config["clipnorm"] is None
