"""How medicines are named: salts, dosage forms and the several names one list entry stands for."""

import re
import unicodedata


def _words(text: str) -> tuple[str, ...]:
    """The words of a list written with blanks."""
    return tuple(text.split())


FORM_WORDS: dict[str, str] = {
    "片": "片 片剂 薄膜衣片 糖衣片 素片 普通片 薄膜衣 糖衣",
    "胶囊": "胶囊 胶囊剂 硬胶囊 硬胶囊剂",
    "颗粒": "颗粒 颗粒剂 冲剂",
    "丸": "丸 丸剂 水丸 蜜丸 大蜜丸 小蜜丸 水蜜丸 浓缩丸 糊丸 浓缩水丸 浓缩水蜜丸",
    "滴丸": "滴丸 滴丸剂",
    "散": "散 散剂 口服散剂 口服散",
    "合剂": "合剂 口服液 口服液剂",
    "口服溶液": "口服溶液 口服溶液剂 溶液剂(口服)",
    "糖浆": "糖浆 糖浆剂",
    "煎膏": "煎膏剂 煎膏 膏滋 煎膏剂膏滋",
    "注射液": "注射液 小容量注射液 大容量注射液 小容量注射剂 大容量注射剂",
    "注射用无菌粉末": "注射用无菌粉末 粉针剂 粉针 冻干粉针剂 冻干粉针 注射用冻干粉 注射用冻干制剂 注射用粉末",
    "注射用浓溶液": "注射用浓溶液 浓溶液",
    "乳状注射液": "乳状注射液 注射用乳剂",
    "氯化钠注射液": "氯化钠注射液",
    "葡萄糖注射液": "葡萄糖注射液",
    "软胶囊": "软胶囊 软胶囊剂 胶丸",
    "肠溶胶囊": "肠溶胶囊 肠溶胶囊剂",
    "缓释胶囊": "缓释胶囊 缓释胶囊剂",
    "肠溶片": "肠溶片 肠溶片剂",
    "缓释片": "缓释片 缓释片剂 控释片 控释片剂",
    "肠溶缓释片": "肠溶缓释片",
    "缓释颗粒": "缓释颗粒 缓释颗粒剂",
    "分散片": "分散片",
    "咀嚼片": "咀嚼片",
    "口崩片": "口崩片 口腔崩解片",
    "泡腾片": "泡腾片",
    "舌下片": "舌下片",
    "阴道片": "阴道片",
    "阴道泡腾片": "阴道泡腾片",
    "阴道软胶囊": "阴道软胶囊",
    "口溶膜": "口溶膜 口溶膜剂",
    "干混悬": "干混悬剂 干混悬",
    "肠溶干混悬": "肠溶干混悬剂",
    "混悬液": "混悬液 口服混悬液 混悬剂",
    "软膏": "软膏 软膏剂",
    "乳膏": "乳膏 乳膏剂",
    "眼膏": "眼膏 眼膏剂",
    "凝胶": "凝胶 凝胶剂",
    "眼用凝胶": "眼用凝胶 眼用凝胶剂",
    "滴眼": "滴眼剂 滴眼液",
    "滴鼻": "滴鼻剂 滴鼻液",
    "滴耳": "滴耳剂 滴耳液",
    "鼻喷雾": "鼻喷雾剂",
    "喷雾": "喷雾剂",
    "气雾": "气雾剂",
    "吸入气雾": "吸入气雾剂",
    "吸入粉雾": "吸入粉雾剂 粉雾剂",
    "吸入用溶液": "吸入用溶液 吸入溶液剂 吸入溶液 雾化溶液",
    "吸入用混悬液": "吸入用混悬液 雾化吸入用混悬液",
    "栓": "栓 栓剂",
    "酊": "酊 酊剂",
    "酒": "酒剂",
    "贴膏": "贴膏 贴膏剂",
    "贴": "贴剂 贴片 透皮贴剂",
    "膏药": "膏药",
    "灌肠": "灌肠剂",
    "洗": "洗剂",
    "涂": "涂剂",
    "外用溶液": "外用溶液 外用溶液剂",
    "眼用注射液": "眼用注射液",
}
"""One writing for each dosage form, and the words people use for it. 口服液 of patent medicines is 合剂;
控释 counts as 缓释. Forms not named here stand for themselves, with or without 剂."""

_FORM_OF = {word: form for form, words in FORM_WORDS.items() for word in words.split()}
_AMBIGUOUS_ENDINGS = {"薄膜衣", "糖衣", "膏滋", "素片", "水丸", "蜜丸", "糊丸"}
# 华蟾素片 is 华蟾素 in tablets, not 华蟾 in 素片.
_ENDINGS = sorted(
    (set(_FORM_OF) | {"膏", "水", "露", "饮", "液", "溶液"}) - _AMBIGUOUS_ENDINGS, key=len, reverse=True
)
_VAGUE_ENDINGS = {"散", "膏", "水", "露", "饮", "液", "溶液", "丸", "酊", "栓", "涂", "洗", "酒", "贴"}

ACIDS = _words(
    "盐酸 硫酸 磷酸 醋酸 乙酸 枸橼酸 马来酸 酒石酸 重酒石酸 富马酸 甲磺酸 苯磺酸 氢溴酸 硝酸 乳酸 琥珀酸 "
    "草酸 门冬氨酸 碳酸 甲苯磺酸 双羟萘酸 氢碘酸 苹果酸 羟萘酸 水杨酸 乳糖酸 葡萄糖酸 二盐酸 托西酸 氯化 溴化"
)
BASES = _words("钠 钾 钙 镁 锌 钠盐 钾盐 盐酸盐 磷酸钠 琥珀酸钠 二钠 一水合物 水合物")

COMMON_NAMES = {
    "琥乙红霉素": "红霉素琥珀酸乙酯",
    "地塞米松磷酸钠": "地塞米松",
    "人胰岛素": "胰岛素",
    "消旋山莨菪碱": "山莨菪碱",
    **{f"口服补液盐{number}": "口服补液盐" for number in ("i", "ii", "iii")},
}
"""Approved names that hide their variety, and what they stand for."""

_SEPARATORS = re.compile(r"[\s\-‐–—·•・,，、;；:：∶/()（）\[\]【】{}<>《》“”\"'’]+")
_PURE_NUMBER = re.compile(r"[\dⅠ-Ⅻ型号IVX]+")


def squeeze(text: str) -> str:
    """One writing for one name: NFKC, small letters, no blanks, brackets or dashes."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).casefold()


def canonical_form(form: str) -> str:
    """One writing for one dosage form: 片剂, 片 and 薄膜衣片 are all 片."""
    plain = squeeze(re.sub(r"[(（].*?[)）]", "", unicodedata.normalize("NFKC", form))) or squeeze(form)
    found = _FORM_OF.get(plain) or _FORM_OF.get(squeeze(form))
    return found or plain.removesuffix("剂")


def readings(name: str) -> list[tuple[str, str]]:
    """What a product's name may say: (variety, dosage form), the whole name first, without a form.

    葡萄糖氯化钠注射液 may be 葡萄糖氯化钠 as 注射液, or 葡萄糖 as 氯化钠注射液: the longer variety comes first.
    """
    outside = re.sub(r"[(（][^()（）]*[)）]", "", name)
    if squeeze(outside) not in ("", squeeze(name)):
        # What stands in brackets (塑瓶, 集采, 冻干) may be no part of the name.
        return [*_readings(name), *_readings(outside)]
    return _readings(name)


def _readings(name: str) -> list[tuple[str, str]]:
    """The readings of a name as it stands."""
    whole = squeeze(name)
    plain = whole.removeprefix("注射用")
    powder = "注射用无菌粉末" if plain != whole else ""
    found = [(plain, powder or _telling_form(plain))]
    for ending in reversed(_ENDINGS):
        if plain.endswith(ending) and len(plain) > len(ending) + 1:
            found.append((plain.removesuffix(ending), powder or _surely(ending)))
    return found


def stems(name: str) -> list[str]:
    """The varieties a name may mean: 银翘解毒颗粒, 银翘解毒."""
    return [stem for stem, _ in readings(name)]


def _telling_form(plain: str) -> str:
    """The form a whole name tells (分散片), unless the name is nothing but a form and one more word."""
    ending = next((ending for ending in _ENDINGS if plain.endswith(ending) and plain != ending), "")
    return "" if ending.endswith("注射液") else _surely(ending)


def _surely(ending: str) -> str:
    """The form an ending tells for certain; 水, 膏 or 散 tell none."""
    return "" if ending in _VAGUE_ENDINGS else _FORM_OF.get(ending, "")


def without_salt(stem: str) -> list[tuple[str, str]]:
    """Each way to take one acid or base off a name, with the salt taken: 盐酸西替利嗪 gives 西替利嗪."""
    found = [(stem.removeprefix(acid), acid) for acid in ACIDS if stem.startswith(acid)]
    found += [(stem.removesuffix(base), base) for base in BASES if stem.endswith(base)]
    return [(rest, salt) for rest, salt in found if len(rest) >= 2]


def salt_words(qualifier: str) -> set[str]:
    """How names write the salt a list prints: 盐酸盐 as 盐酸, 钠盐 as 钠, 含醋酸酯 as 醋酸."""
    words: set[str] = set()
    for part in re.split(r"[、,，]", qualifier):
        word = squeeze(part).removeprefix("含")
        words |= {word, re.sub(r"[盐酯]$", "", word)}
    return words - {""}


def salted_names(name: str, qualifier: str) -> set[str]:
    """Names of a variety with a printed salt: 青霉素 with 钠盐 is also 青霉素钠, with 丁酸酯 丁酸氢化可的松."""
    plain, words = squeeze(name), salt_words(qualifier)
    own = {word for word in words if plain in word}
    return own or {joined for word in words for joined in (word + plain, plain + word)}


def spoken_names(printed: str) -> list[str]:
    """Every name an entry stands for: 银翘解毒丸（颗粒、片） is three medicines, 美沙拉秦（嗪） two spellings."""
    names: list[str] = []
    for part in _outside_brackets(unicodedata.normalize("NFKC", printed).strip()):
        names += _expanded(part)
    return list(dict.fromkeys(names))


def _outside_brackets(text: str) -> list[str]:
    """Split at 、 where it separates whole names, not words inside a bracket."""
    return [part for part in re.split(r"[、,](?![^(]*\))", text) if part]


def _expanded(text: str) -> list[str]:
    """The names written by one bracketed name."""
    found = re.fullmatch(r"([^()]*)\(([^()]*)\)(.*)", text)
    if not found:
        return [text]
    before, inside, after = found.groups()
    words = re.split(r"[、,]", inside)
    if _PURE_NUMBER.fullmatch(inside):
        return [text]
    if all(word in _ENDINGS or word in ("液",) for word in words):
        return [before, *(_bare(before) + word for word in words)]
    if after:
        # Another name of the same stem stands in the middle: 通关藤(消癌平)片(胶囊、口服液).
        other = before[:-1] + inside if len(inside) == 1 else inside
        return [name for stem in (before, other) for name in _expanded(stem + after)]
    if inside in ("冻干", "蜜炼", "粉剂"):
        return [before]
    return [before, before[:-1] + inside if len(inside) == 1 else inside]


def _bare(name: str) -> str:
    """The name without its last form word."""
    ending = next((ending for ending in _ENDINGS if name.endswith(ending)), "")
    return name.removesuffix(ending)
