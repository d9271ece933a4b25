"""Goldens of the tokenizers, made with Hugging Face `tokenizers` and with `sentencepiece`.

    pip install gguf numpy protobuf sentencepiece tokenizers
    python Scripts/goldens/tokenizer_goldens.py

writes into Tests/PrismModelsTests/Goldens:
- smollm2.json: texts and their ids by a tokenizer built from the vocabulary and merges of the real model's GGUF file
  (models/SmolLM2-135M-Instruct.Q4_1.gguf);
- tiny.gguf: the first of the following as a GGUF file;
- tiny-*.json: small tokenizers trained here, with different pre-tokenizers, and tiny.json: texts and their ids;
- classes.json: which characters the reference takes for letters, numbers and white space, as ranges of code points;
- spm-*.model: small SentencePiece models trained here, some also as spm-*.gguf, and spm-*.json: tokenizers like those of
  Llama 2, Mistral, Phi-3 and Gemma, made from the same pieces for `tokenizers`; spm.json: texts and their ids;
- trained.json: the tokenizer that `tokenizers` trains on the texts of smollm2.json.

A case is `text`, or `bytes` in base64 that need not be UTF-8; its `ids`; `plain`, the ids without special tokens, and
`decoded`, what the ids decode to, where these differ.
"""

import ast
import base64
import io
import json
import random
import re
import sys
import tempfile
import unicodedata
from importlib.metadata import version
from pathlib import Path

import gguf
import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SEED = 20250131
ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "Tests/PrismModelsTests/Goldens"
VERSIONS = {"tokenizers": version("tokenizers"), "gguf": version("gguf"), "sentencepiece": version("sentencepiece"), "seed": SEED}
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN = LLAMA3.replace("{1,3}", "")
random.seed(SEED)


def real_model():
    reader = gguf.GGUFReader(ROOT / "models/SmolLM2-135M-Instruct.Q4_1.gguf")
    field = lambda name: reader.fields[f"tokenizer.ggml.{name}"].contents()
    tokens = field("tokens")
    merges = [tuple(merge.split(" ")) for merge in field("merges")]
    # The unknown token is for other kinds of tokenizers: the model's own tokenizer.json has none.
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [AddedToken(t, special=True, normalized=False) for t, kind in zip(tokens, field("token_type")) if kind == 3])
    assert tokenizer.get_vocab_size() == len(tokens)
    return tokenizer


TEXTS = r"""
|a| |  |   | a|a |  a|a  |   a   |\t|\n|\n\n|\n\n\n|\r\n|\r\n\r\n|a\r\nb|a\n b|a\n  b|a \n b|a\t\tb|\ta| \t a|\t \tb|a\u00a0b|a\u00a0\u00a0b
\u3000a|a\u3000\u3000b|\u2003x|x\u2028y|x\u2029\u2029y|x\u0085y|x\u0085\u0085y|\x0b\x0cx|a\u200bb|\ufeffx|a\u180eb|\u1680\u1680a|\u202f1
Hello, world!|Hello  world|The quick brown fox jumps over the lazy dog.|don't|DON'T|I'll we've they're I'm he'd it's|'s|''s|' s|'ll'll|x'|'re-x|'LL|’s
it’s|'ve've| 's| 'S|a'sb|'tis|rock'n'roll|1's|!'s|0|1|12|123|1234567890|3.14159|1,000,000|-5|1e-10|0x1F|v2.0.1|٣٤٥|१२३|Ⅷ|½|x²|²³|①②|〇一二|1a2b3c
a1|1a| 1| 12|  12|1 2 3|12:34:56|2024-01-31|$5.00|50%|#1|№5|H₂O|10⁻³|𝟙𝟚𝟛|𝟏|１２３|๓|೬7
!|!!|!!!|...|…|?!|--|—|–|==|!=|=>|->|::|//|/*|*/|{}|[]|()|(a)|[1]|{"a": [1, 2.5, null, true]}|<div class="x">&nbsp;</div>|a_b|__init__|a-b|a/b|@x|#tag|\\n|\\|`|~|^|&&|\|
x=1;y=2|for i in range(10):\n    print(i)\n|def f(x: int) -> str:\n\treturn f"{x!r}"  # comment\n|int main(void) { return 0; }\n|if (a[i] != b[j]) {\n        k++;\n    }\n
SELECT * FROM t WHERE a >= 10 AND b <> 'x';|https://example.org/a/b?c=d&e=%20f#g|user@example.com|C:\\Windows\\System32|$HOME/.config|\\frac{a}{b}^{2}|$$\\sum_{i=0}^{n} x_i$$
é|e\u0301|É|E\u0301|ñ|n\u0303|Å|A\u030a|\u212b|ﬁ|ﬀ|ß|ẞ|İ|ı|ǅ|ﷺ|\u1e9b\u0323|\ud7a3|각|\u1100\u1161\u11a8|Ω|\u2126|a\u0301\u0302\u0303\u0304b|\u0301|\u0301a| \u0301|q\u0307\u0323
naïve café|nai\u0308ve cafe\u0301|Ünïcödé|Zürich|São Paulo|façade|œuvre|Ελλάδα|Привет, мир!|привет|Здравствуйте, как дела?|ёлка|е\u0308лка|Україна|Қазақстан|ქართული|հայերեն
你好|你好，世界！|中文分词测试|日本語のテキスト|ひらがな|カタカナ|ｶﾀｶﾅ|漢字かな交じり文。|東京都|한국어|안녕하세요 세계|한국어 띄어쓰기 테스트|ไทย|ภาษาไทย|Tiếng Việt|tiếng Việt|Tie\u0302\u0301ng|𠮷野家|𪚥|〆切|々
שלום|שָׁלוֹם עוֹלָם|עברית 123|العربية|مرحبا بالعالم|السَّلَامُ عَلَيْكُمْ|فارسی|می‌خواهم|اردو|١٢٣ عربي|\u202babc\u202c|\u200fx|हिन्दी|नमस्ते दुनिया|क्षि|தமிழ்|తెలుగు|বাংলা|ગુજરાતી|ਪੰਜਾਬੀ|ລາວ|မြန်မာ|ខ្មែរ|አማርኛ|ᏣᎳᎩ|བོད་ཡིག
😀|😀😀|😀 😀|👍🏽|👨‍👩‍👧‍👦|👩🏿‍🚀|🏳️‍🌈|🇩🇪|🇩🇪🇫🇷|❤️|❤|☺️|1️⃣|#️⃣|🤷🏻‍♀️|a😀b|😀1|🧑‍💻 writes 🐍|🫠|🪿|✈️|©|®|™|€|£|¥|₿|→|⇒|∀x∈ℝ|∑|√2|≠|≤|∞|∂|ℵ|𝒜𝓑|𝔸|𝐀𝐁|𝑥|℃|㎏|㍿
\x00|\x01|\x07|\x08|\x1b[31mred\x1b[0m|\x7f|a\x00b|\x00\x00|\x16|\x04|a\x16b|\x1d|th\x04e|\x80|\x9f|\ufffd|\ufffe|\uffff|\ue000|\U0010ffff|\U000f0000|\U000e0001|\U00040000|a\U00040000b|\U0001fbf0|\U00010000|𐍈|𓀀|𒀀|🜁
<|im_start|>|<|im_end|>|<|endoftext|>|<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n|<|im_start|><|im_start|>|a<|im_end|>b| <|im_end|> |<|im_end|>  x|<|im_end| >|<|im_en|<|im_end|<|<|im_end|>>|<repo_name>x|<reponame>|<file_sep>a<filename>b
<empty_output>|<jupyter_start><jupyter_text>x<jupyter_code>y|<issue_start><issue_comment><issue_closed>|<|IM_END|>|<|im_end|>'s|12<|im_end|>34|\u00a0<|im_end|>\u00a0|<|im_start|>é|é<|im_end|>|<<|im_end|>|<|endoftext|><|endoftext|>\n
"""


def texts():
    # The special tokens have bars of their own, which the first split must not take.
    bar = "\ue0ff"
    listing = TEXTS.strip("\n")
    for name in ("im_start", "im_end", "endoftext", "IM_END"):
        listing = listing.replace(f"<|{name}|>", f"<{bar}{name}{bar}>")
    listing = listing.replace("<|im_end| >", f"<{bar}im_end{bar} >").replace("<|im_en|", f"<{bar}im_en|").replace("<|im_end|<", f"<{bar}im_end|<")
    lines = listing.split("\n")
    unescape = lambda match: ast.literal_eval(f"'{match[0]}'")
    escape = re.compile(r"\\(u[0-9a-f]{4}|U[0-9a-f]{8}|x[0-9a-f]{2}|[abfnrtv\\])")
    cases = [""] + [escape.sub(unescape, case).replace(bar, "|") for case in "|".join(lines).split("|")]
    long = ["a" * 1000, "ab" * 777, "A" * 333 + "b", "é" * 300, "x\u0301" * 200, "の" * 200, "😀" * 120, " " * 500, " " * 499 + "a", "\n" * 300,
            "\t" * 100 + "x", "-" * 400, "=" * 80, "1" * 300, ".," * 200, "\r\n" * 100, "antidisestablishmentarianism" * 20,
            "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
            "Lopadotemachoselachogaleokranioleipsanodrimhypotrimmatosilphiokarabomelitokatakechymenokichlepikossyphophattoperisteralektryonoptekephalliokigklopeleiolagoiosiraiobaphetraganopterygon",
            "ACGT" * 250, "deadbeef" * 60, base64.b64encode(random.randbytes(600)).decode(), "the " * 300, " the" * 300, "'s" * 100, "<|im_end|>" * 50]
    cases += long

    pieces = [c for c in cases if 0 < len(c) < 40] + [" ", " ", " ", "  ", "\n", "'", "’", "a", "1", ".", "\u0301", "\u200d", "\u00a0"]
    for count in (2, 3, 5, 8, 13):
        cases += ["".join(random.choices(pieces, k=count)) for _ in range(50)]
    words = "the of and to in a is that for it as was with be by on not he I this are or his from at which but have an had they you were".split()
    for _ in range(40):
        cases.append(" ".join(random.choices(words, k=12)).capitalize() + random.choice([".", "?", "!", "…", ".\n"]))
    assigned = [c for c in map(chr, range(0x20, 0x20000)) if unicodedata.category(c) not in ("Cn", "Cs", "Co")]
    for _ in range(100):
        cases.append("".join(random.choices(assigned, k=12)))
    for _ in range(40):
        cases.append("".join(random.choices([*" \t\n\r\u00a0\u3000a1.'", "é", "e\u0301"], k=20)))
    cases.append(Path(random.__file__).read_text()[:3000])
    cases.append(Path(json.__file__).read_text()[-3000:])
    return list(dict.fromkeys(cases))


def byte_texts():
    fixed = [b"\xff", b"\x80", b"\xc0\x80", b"a\xc3", b"\xc3a", b"\xe2\x82", b"\xe2\x82\xac\xe2\x82", b"\xe2\x28\xa1", b"\xed\xa0\x80", b"\xed\xa0\xbd\xed\xb8\x80",
             b"\xf0\x9f\x98", b"\xf0\x9f\x98x", b"\xf0\x9f", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfe\xff\x00a", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf",
             b"\xc1\xbf", b"caf\xe9", b"na\xefve \xa9 2024", b"\xe4\xbd\xa0\xe5", b"\xff\xfe<|im_end|>\xff", b"ok \xe2\x80\x99s\xe2\x80"]
    return fixed + [random.randbytes(random.randint(1, 24)) for _ in range(60)]


def case(tokenizer, text=None, data=None):
    result = {"text": text} if data is None else {"bytes": base64.b64encode(data).decode()}
    text = text if data is None else data.decode(errors="replace")
    tokenizer.encode_special_tokens = False
    result["ids"] = tokenizer.encode(text, add_special_tokens=False).ids
    tokenizer.encode_special_tokens = True
    plain = tokenizer.encode(text, add_special_tokens=False).ids
    if plain != result["ids"]:
        result["plain"] = plain
    decoded = tokenizer.decode(result["ids"], skip_special_tokens=False)
    if decoded != text:
        result["decoded"] = decoded
    return result


def tiny(name, pre_tokenizer, ignore_merges=False, post_processor=None, special=("<s>", "</s>"), normalizer=None, added=()):
    corpus = [Path(random.__file__).read_text(), "naïve café 你好 привет 😀 1234567 don't DON'T\r\n\r\n" * 20]
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=list(special), show_progress=False, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(corpus, trainer)
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.add_tokens(["<tool>", "ing ", *added])
    if post_processor:
        tokenizer.post_processor = post_processor
    tokenizer.save(str(FOLDER / f"tiny-{name}.json"), pretty=False)
    return tokenizer


def tiny_gguf(name, file, pre):
    """The tokenizer tiny-{name}.json as a GGUF file, without tensors."""
    source = json.loads((FOLDER / f"tiny-{name}.json").read_text())
    vocabulary = {**source["model"]["vocab"], **{t["content"]: t["id"] for t in source["added_tokens"]}}
    tokens = sorted(vocabulary, key=vocabulary.get)
    added = {t["id"]: 3 if t["special"] else 4 for t in source["added_tokens"]}
    writer = gguf.GGUFWriter(FOLDER / file, "golden")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([added.get(i, 1) for i in range(len(tokens))])
    writer.add_token_merges([" ".join(merge) for merge in source["model"]["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_add_bos_token(True)
    writer.add_string("golden.versions", json.dumps(VERSIONS))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def write(name, value):
    text = json.dumps({"versions": VERSIONS, **value}, ensure_ascii=True, separators=(",", ":"))
    (FOLDER / name).write_text(text.replace('},{"', '},\n{"') + "\n")


def classes():
    everything = "".join(chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000)
    ranges = {}
    for name, pattern in {"letter": r"\p{L}+", "number": r"\p{N}+", "space": r"\s+"}.items():
        found = pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True).pre_tokenize_str(everything)
        spans = []
        for piece, _ in found:
            # Surrogates are left out of the text but not out of the count.
            spans.append([ord(piece[0]), ord(piece[-1])])
        ranges[name] = spans
    return ranges


FOLDER.mkdir(parents=True, exist_ok=True)
tokenizer = real_model()
cases = [case(tokenizer, text=t) for t in texts()] + [case(tokenizer, data=b) for b in byte_texts()]
write("smollm2.json", {"cases": cases})
print(len(cases), "cases")

byte_level = lambda **options: pre_tokenizers.ByteLevel(add_prefix_space=False, **options)
tinies = {
    "digits": tiny("digits", pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level()])),
    "runs": tiny("runs", pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=False), byte_level()])),
    "plain": tiny("plain", byte_level(), post_processor=processors.ByteLevel(trim_offsets=True)),
    "split": tiny("split", pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), behavior="isolated"), byte_level(use_regex=False)]),
                  ignore_merges=True, post_processor=processors.TemplateProcessing(
                      single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 0)])),
}
tiny_gguf("digits", "tiny.gguf", "smollm")
some = [t for t in texts() if len(t) < 60]
some = random.sample(some, 120) + ["<s>a</s>", "<s>y", "<tool>ing x", "going on", "1234567", "x<tool> 12", "\x0b\x0b x\x85\x85y", "DON'T 'ſ"]
write("tiny.json", {"tokenizers": {name: [case(t, text=text) for text in some] for name, t in tinies.items()}})
write("classes.json", {"classes": classes()})

# Added later: random numbers above must stay what they were.
tinies = {
    "neox": tiny("neox", byte_level(), special=("<|endoftext|>",), normalizer=normalizers.NFC(), added=("   ", "  ", "\u304b\u3099x")),
    "qwen": tiny("qwen", pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(QWEN), behavior="isolated"), byte_level(use_regex=False)]),
                 special=("<|endoftext|>",), normalizer=normalizers.NFC()),
}
tiny_gguf("qwen", "tiny-qwen.gguf", "qwen2")
tiny_gguf("split", "tiny-llama3.gguf", "llama-bpe")
some += ["\u304b\u3099x \u304cx", "e\u0301e x", "\u00e9e", "<|endoftext|>e\u0301", "a\u0301\u0327", "\u212b", "    x   y"]
write("tiny-nfc.json", {"tokenizers": {name: [case(t, text=text) for text in some] for name, t in tinies.items()}})


SPM_TEXTS = ["na\u00efve caf\u00e9 1234567 don't DON'T", "\u4f60\u597d \u043f\u0440\u0438\u0432\u0435\u0442 \U0001f600", "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd \u05e9\u05dc",
             "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645", "the quick  brown   fox    jumps", "https://example.org/a?b=c&d=%20"]


def spm(name, **options):
    """A SentencePiece model trained on a little text."""
    corpus = Path(random.__file__).read_text().splitlines() + SPM_TEXTS * 20
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus), model_writer=model, num_threads=1, character_coverage=1.0,
        hard_vocab_limit=False, minloglevel=2, **{"normalization_rule_name": "identity", **options})
    proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    proto.normalizer_spec.normalization_rule_tsv = ""  # where the rules lay while training
    proto = proto.SerializeToString()
    (FOLDER / f"spm-{name}.model").write_bytes(proto)
    return sentencepiece.SentencePieceProcessor(model_proto=proto)


def pieces(sp):
    return [sp.id_to_piece(i) for i in range(len(sp))]


def spm_case(sp, strips, text=None, data=None):
    """sentencepiece knows no special tokens in a text: they are cut out here, and each stretch is encoded alone."""
    result = {"text": text} if data is None else {"bytes": base64.b64encode(data).decode()}
    text = text if data is None else data.decode(errors="replace")
    special = {sp.id_to_piece(i): i for i in range(len(sp)) if sp.is_control(i) or sp.is_unknown(i)}
    ids = []
    for part in re.split("(" + "|".join(map(re.escape, special)) + ")", text):
        ids += [special[part]] if part in special else sp.encode(part)
    result["ids"] = ids
    plain = sp.encode(text)
    if plain != ids:
        result["plain"] = plain
    if any(i in special.values() for i in ids):
        # sentencepiece drops control tokens and writes \u2047 for the unknown one; Prism gives their names.
        parts = [bytes([int(p[3:5], 16)]) if sp.is_byte(i) else p.replace("\u2581", " ").encode() for i in ids for p in [sp.id_to_piece(i)]]
        decoded = b"".join(parts).decode()
        decoded = decoded.lstrip(" ") if strips is None else decoded.removeprefix(" " * strips)
    else:
        decoded = sp.decode(ids)
    if decoded != text:
        result["decoded"] = decoded
    return result


def spm_gguf(name, sp, model, **flags):
    writer = gguf.GGUFWriter(FOLDER / f"spm-{name}.gguf", "golden")
    writer.add_tokenizer_model(model)
    writer.add_token_list(pieces(sp))
    writer.add_token_scores([sp.get_score(i) for i in range(len(sp))])
    kind = lambda i: 2 if sp.is_unknown(i) else 3 if sp.is_control(i) else 6 if sp.is_byte(i) else 5 if sp.is_unused(i) else 1
    writer.add_token_types([kind(i) for i in range(len(sp))])
    writer.add_bos_token_id(sp.bos_id())
    writer.add_eos_token_id(sp.eos_id())
    proto = sentencepiece_model_pb2.ModelProto.FromString(sp.serialized_model_proto())
    if proto.normalizer_spec.precompiled_charsmap:
        writer.add_precompiled_charsmap(proto.normalizer_spec.precompiled_charsmap)
    for key, value in flags.items():
        writer.add_bool(f"tokenizer.ggml.{key}", value)
    writer.add_string("golden.versions", json.dumps(VERSIONS))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def spm_merges(sp):
    """Merges by rank, as `transformers` makes them of scores."""
    ids = {p: i for i, p in enumerate(pieces(sp)) if not (sp.is_control(i) or sp.is_unknown(i) or sp.is_byte(i))}
    merges = []
    for merged, id in ids.items():
        halves = [(merged[:i], merged[i:]) for i in range(1, len(merged)) if merged[:i] in ids and merged[i:] in ids]
        merges += [(*pair, sp.get_score(id)) for pair in sorted(halves, key=lambda pair: (ids[pair[0]], ids[pair[1]]))]
    merges.sort(key=lambda m: (m[2], len(m[0]), len(m[1])), reverse=True)
    return [(left, right) for left, right, _ in merges]


def spm_json(name, sp, normalizer=None, pre_tokenizer=None, decoder=None, added=(), byte_fallback=True, unigram=False, template=True):
    if unigram:
        model = models.Unigram([(p, sp.get_score(i)) for i, p in enumerate(pieces(sp))], sp.unk_id(), byte_fallback)
    else:
        vocabulary = {p: i for i, p in enumerate(pieces(sp))}
        model = models.BPE(vocabulary, spm_merges(sp), unk_token="<unk>", fuse_unk=True, byte_fallback=byte_fallback)
    tokenizer = Tokenizer(model)
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoder
    special = [p for i, p in enumerate(pieces(sp)) if sp.is_control(i) or sp.is_unknown(i)]
    tokenizer.add_special_tokens([AddedToken(p, special=True, normalized=False) for p in special])
    tokenizer.add_tokens(list(added))
    if template:
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", sp.bos_id())])
    tokenizer.save(str(FOLDER / f"spm-{name}.json"), pretty=False)
    return tokenizer


byte_pair = {"model_type": "bpe", "vocab_size": 560, "byte_fallback": True, "remove_extra_whitespaces": False, "split_digits": True,
             "allow_whitespace_only_pieces": True}
llama = spm("llama", **byte_pair)
gemma = spm("gemma", **byte_pair, add_dummy_prefix=False, pad_id=0, eos_id=1, bos_id=2, unk_id=3,
            user_defined_symbols=["\u2581\u2581", "\u2581\u2581\u2581", "\n", "\n\n", "<tool>"])
# Tokens that go from one word into the next, so that words cannot be encoded one by one.
across = spm("across", **{**byte_pair, "split_digits": False}, split_by_whitespace=False)
unknown = spm("unknown", model_type="bpe", vocab_size=300)
unigram = spm("unigram", model_type="unigram", vocab_size=520, byte_fallback=True)
unigram_unknown = spm("unigram-unknown", model_type="unigram", vocab_size=300, remove_extra_whitespaces=False, user_defined_symbols=["<tool>", "0x"])
# Few rules, so that the file is small: full width, no-break space, soft hyphen, ligature, dotless capitals, composition.
rules = Path(tempfile.mkdtemp()) / "rules.tsv"
rules.write_text("FF21\t41\nA0\t20\n9\t20\nAD\t\nFB01\t66 69\n66 69 78\t58\n66 69\t46\n41 30A\tC5\nE9\t65 301\n1F600 1F600\t1F601 20 41\nA8\t20 308\n")
mapped = spm("mapped", model_type="unigram", vocab_size=300, normalization_rule_name="", normalization_rule_tsv=str(rules))
spm_gguf("llama", llama, "llama", add_space_prefix=True)
spm_gguf("unigram", unigram, "t5", add_bos_token=False, remove_extra_whitespaces=True)
spm_gguf("mapped", mapped, "t5", remove_extra_whitespaces=True)

replace = normalizers.Replace(" ", "\u2581")
fallback = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
stripping = decoders.Sequence([*fallback, decoders.Strip(" ", 1, 0)])
metaspace = lambda scheme, split: pre_tokenizers.Metaspace(prepend_scheme=scheme, split=split)
added = [AddedToken("<|end|>", special=True, normalized=False, rstrip=True), AddedToken("<|mid|>", normalized=False, lstrip=True), AddedToken("<tool>", normalized=True)]
jsons = {
    "llama": spm_json("llama", llama, normalizers.Sequence([normalizers.Prepend("\u2581"), replace]), decoder=stripping, added=added),
    "mistral": spm_json("mistral", llama, pre_tokenizer=metaspace("first", False), decoder=stripping, added=added[:1]),
    "gemma": spm_json("gemma", gemma, replace, pre_tokenizers.Split(" ", behavior="merged_with_previous"), decoders.Sequence(fallback),
                      [AddedToken(p, normalized=False) for p in pieces(gemma) if p in ("\u2581\u2581", "\u2581\u2581\u2581", "\n", "\n\n", "<tool>")], template=False),
    "words": spm_json("words", unknown, pre_tokenizer=metaspace("always", True), decoder=decoders.Metaspace(), byte_fallback=False),
    "unigram": spm_json("unigram", unigram, pre_tokenizer=metaspace("always", True), decoder=decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()]), unigram=True),
    "never": spm_json("never", unigram_unknown, pre_tokenizer=metaspace("never", False), decoder=decoders.Metaspace(prepend_scheme="never"), byte_fallback=False, unigram=True),
}
some = [t for t in texts() if len(t) < 60]
some = random.sample(some, 60) + [
    "", " ", "  ", "   ", " a", "a ", "  a  b  ", "a\n\nb", "\n\n\n", "\ta", "x\u2581y", "\u2581", "\u2581a", "a\u2581", "a \u2581 ", "<tool>x <tool> y", "0x0x10", "\uff21\u00a0\ufb01x\u00ad-A\u030a caf\u00e9\u00a8\U0001f600\U0001f600\U0001f600\u00a0", "\u00a8x \u00ad \t",
    "<s>a</s>", " <s> a </s> b", "a<unk>b", "<|end|>  \n x", "a <|mid|> b", "<|end|><|mid|>", "<0x41>", "<0xE2>", "<tool", "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd",
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645", "\U0001f600\U0001f600 \U0001f469\u200d\U0001f680", "ACGT" * 20, base64.b64encode(random.randbytes(48)).decode(),
    "for i in range(10):\n    print(i)\n", "a" * 70, "return self.random()" * 4, "the the the of of the", " " * 40 + "x" + " " * 20, "=" * 50, "a" * 300]
some = list(dict.fromkeys(some))
data = byte_texts()[:15]
strips = {"llama": 1, "gemma": 0, "across": 1, "unknown": None, "unigram": None, "unigram-unknown": 1, "mapped": None}
references = {"llama": llama, "gemma": gemma, "across": across, "unknown": unknown, "unigram": unigram, "unigram-unknown": unigram_unknown, "mapped": mapped}
write("spm.json", {
    "models": {name: [spm_case(sp, strips[name], text=t) for t in some] + [spm_case(sp, strips[name], data=b) for b in data] for name, sp in references.items()},
    "tokenizers": {name: [case(t, text=text) for text in some] + [case(t, data=b) for b in data[:10]] for name, t in jsons.items()}})

trained = Tokenizer(models.BPE())
trained.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level()])
trained.decoder = decoders.ByteLevel()
trained.train_from_iterator([c["text"] for c in cases if "text" in c], trainers.BpeTrainer(
    vocab_size=1000, min_frequency=2, special_tokens=["<|endoftext|>"], show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
trained.save(str(FOLDER / "trained.json"), pretty=False)
