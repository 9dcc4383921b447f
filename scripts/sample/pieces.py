"""A tokeniser for Go source whose tokens a programmer recognises.

Text is first cut into pieces that mean something: a line break with its
indentation, a word of an identifier, a bracket, a quote, an operator. Byte
pair merges (Sennrich et al. 2016) then join characters inside a piece and
never across pieces, so no token straddles, say, a name and the bracket after
it.
"""

import collections
import json
import re

FILE = "<file>"  # opens every source file
OTHER = "\ufffd"  # stands for a character outside the vocabulary

PIECE = re.compile(
    r"\n+\t*"  # line breaks, with the indentation of the next line
    r"| ?[A-Z]?[a-z]+"  # a word of a camelCase name
    r"| ?[A-Z]+(?![a-z])"  # initials: HTTP, ID
    r"| ?[0-9]{1,3}"
    r"| ?[-+*/%&|^<>=!:~]+"  # operators, comment openers
    r"|\\?[\"'`]|\\."  # quotes and escapes
    r"| ?[(){}\[\]]|[.,;]"
    r"|\t+| +(?= )|."
)


def split(text):
    """Cuts text into pieces; joined, they are the text again."""
    return PIECE.findall(text)


def learn(counts, size):
    """Learns a vocabulary of size tokens from {piece: count}.

    Returns the list of tokens; a token's place in it is its id and, for
    merged tokens, the rank of its merge.
    """
    letters = collections.Counter()
    for piece, n in counts.items():
        for c in piece:
            letters[c] += n
    floor = sum(letters.values()) // 1_000_000
    kept = sorted(c for c, n in letters.items() if n > floor or c.isascii() and c.isprintable())
    tokens = [FILE, OTHER, *kept]
    words = [[[c for c in piece], n] for piece, n in counts.items()]
    pairs, places = count_pairs(words)
    while len(tokens) < size:
        best = max(pairs, key=lambda p: (pairs[p], p))
        tokens.append(best[0] + best[1])
        merge(best, words, pairs, places)
    return tokens


def count_pairs(words):
    """Returns {pair: count} and {pair: set of words that hold it}."""
    pairs, places = collections.Counter(), collections.defaultdict(set)
    for i, (parts, n) in enumerate(words):
        for pair in zip(parts, parts[1:]):
            pairs[pair] += n
            places[pair].add(i)
    return pairs, places


def merge(pair, words, pairs, places):
    """Joins a pair wherever it occurs and updates the counts."""
    for i in sorted(places.pop(pair)):
        parts, n = words[i]
        for p in zip(parts, parts[1:]):
            pairs[p] -= n
        words[i][0] = parts = joined(parts, pair)
        for p in zip(parts, parts[1:]):
            pairs[p] += n
            places[p].add(i)
    del pairs[pair]


def joined(parts, pair):
    out, i = [], 0
    while i < len(parts):
        if tuple(parts[i : i + 2]) == pair:
            out.append(pair[0] + pair[1])
            i += 2
        else:
            out.append(parts[i])
            i += 1
    return out


class Tokenizer:
    """Turns text into token ids with a vocabulary made by learn."""

    def __init__(self, tokens):
        self.tokens = tokens
        self.ids = {t: i for i, t in enumerate(tokens)}
        self.cache = {}

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as f:
            return cls(json.load(f))

    def save(self, path):
        with open(path, "w", encoding="utf-8") as f:
            json.dump(self.tokens, f, ensure_ascii=False, indent=0)

    def encode_file(self, text):
        """Returns the ids of one source file, FILE first."""
        out = [self.ids[FILE]]
        for piece in split(text):
            if piece not in self.cache:
                self.cache[piece] = self.encode_piece(piece)
            out += self.cache[piece]
        return out

    def encode_piece(self, piece):
        parts = list(piece)
        while len(parts) > 1:
            rank, pair = min((self.ids.get(a + b, len(self.ids)), (a, b)) for a, b in zip(parts, parts[1:]))
            if rank == len(self.ids):
                break
            parts = joined(parts, pair)
        return [self.ids.get(p, self.ids[OTHER]) for p in parts]
