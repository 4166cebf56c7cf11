"""The story policy in plain NumPy, one word after the other, as an independent reference."""

import numpy as np
from keras import ops


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru_step(x, h, kernel, recurrent, bias):
    """cuDNN's GRU, which is PyTorch's: the reset gate acts behind the recurrent product."""
    given, kept = x @ kernel + bias[0], h @ recurrent + bias[1]
    (zx, rx, nx), (zh, rh, nh) = np.split(given, 3, -1), np.split(kept, 3, -1)
    z, r = sigmoid(zx + zh), sigmoid(rx + rh)
    return z * h + (1 - z) * np.tanh(nx + r * nh)


def weights_of(layer):
    return [ops.convert_to_numpy(v).astype("float64") for v in layer.weights]


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


class Reference:
    """A policy's weights, read once."""

    def __init__(self, policy):
        self.policy = policy
        names = (
            "photo_in",
            "residual",
            "first_state",
            "words",
            "word_in",
            "context_in",
            "decoder",
            "hidden",
            "logit",
            "photo_norm",
        )
        self.w = {name: weights_of(getattr(policy, name)) for name in names}
        self.forward, self.backward = weights_of(policy.reader.forward_layer), weights_of(policy.reader.backward_layer)

    def dense(self, name, x):
        kernel, *bias = self.w[name]
        return x @ kernel + (bias[0] if bias else 0.0)

    def encode(self, photos):
        """`(contexts, first states)`, a row for each photo, in inference."""
        gain, offset, mean, variance = self.w["photo_norm"]
        e = np.maximum(0, (self.dense("photo_in", photos) - mean) / np.sqrt(variance + 1e-5) * gain + offset)
        count, photos_of_story, units = e.shape
        halves = []
        for weights, order in ((self.forward, range(photos_of_story)), (self.backward, reversed(range(photos_of_story)))):
            h, states = np.zeros((count, units // 2)), {}
            for i in order:
                h = gru_step(e[:, i], h, *weights)
                states[i] = h
            halves.append(np.stack([states[i] for i in range(photos_of_story)], 1))
        h = np.maximum(0, e + self.dense("residual", np.concatenate(halves, -1)))
        return self.dense("context_in", h).reshape(-1, units), self.dense("first_state", photos).reshape(-1, units)

    def step(self, previous, state, context):
        """Logits and next state of one row."""
        x = self.w["words"][0][previous] @ self.w["word_in"][0] + context
        state = gru_step(x, state, *self.w["decoder"])
        return self.dense("logit", np.tanh(self.dense("hidden", state))), state

    def ruled(self, logits, previous, step):
        logits = logits.copy()
        if previous != 0:
            logits[previous] -= self.policy.repeat_penalty
        if step < self.policy.min_length:
            logits[0] = -np.inf
        return log_softmax(logits)

    def log_probabilities(self, words, context, state, ruled=False):
        previous, found = 0, []
        for step, word in enumerate(words):
            logits, state = self.step(previous, state, context)
            found.append((self.ruled(logits, previous, step) if ruled else log_softmax(logits))[word])
            previous = word
        return np.array(found)

    def unroll(self, context, state, noise=None):
        words, previous = [], 0
        for step in range(self.policy.sentence_length):
            logits, state = self.step(previous, state, context)
            p = np.exp(self.ruled(logits, previous, step))
            previous = int(
                p.argmax() if noise is None else min(np.searchsorted(p.cumsum(), noise[step], side="right"), len(p) - 1)
            )
            words.append(previous)
            if previous == 0:
                break
        return words + [0] * (self.policy.sentence_length - len(words))

    def beam(self, context, state, width):
        """A list of open and closed sentences: `(score, words, state, closed)`."""
        beam = [(0.0, [], state, False)]
        for _ in range(self.policy.sentence_length):
            if all(closed for *_, closed in beam):
                break
            found = []
            for score, words, state, closed in beam:
                if closed:
                    found.append((score, words, state, True))
                    continue
                previous = words[-1] if words else 0
                logits, after = self.step(previous, state, context)
                logs = log_softmax(logits)  # of all words: the authors do not normalize again
                if previous != 0:
                    logs[previous] -= self.policy.repeat_penalty
                found += [(score + logs[w], [*words, w], after, w == 0) for w in range(len(logs)) if w != 1]
            beam = sorted(found, key=lambda item: -item[0])[:width]
        best = max(beam, key=lambda item: item[0] / len(item[1]))[1]
        return best + [0] * (self.policy.sentence_length - len(best))
