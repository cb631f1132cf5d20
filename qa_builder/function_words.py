"""Words that carry grammar rather than content, by language (ISO 639-1).

Of our own choosing: articles, pronouns, prepositions, conjunctions, particles, auxiliary and modal
verbs, and question words, which belong to the question rather than to its answer. Negation and
numbers are content. Chinese is compared by the character. One list for content recall
(`audit/leakage.py`) and for the content column of novel-token F1, so that both speak of the same.
"""

from __future__ import annotations

_GERMAN = """
ab aber alle allem allen aller alles als also am an ans auch auf aufs aus bei beim bevor bin bis
bist da dabei dafür dagegen damit dann daran darauf daraus darf darfst darin darüber darunter das
dasjenige dass daß dasselbe davon dazu dein deine deinem deinen deiner deines dem den denn der
derjenige derselbe des dich die diejenige dies diese dieselbe diesem diesen dieser dieses dir doch
dort du durch durchs dürfen dürft durfte durften eben ein eine einem einen einer eines er es etwa
etwas euch euer eure eurem euren eurer eures für fürs gegen gehabt gewesen geworden gibt hab habe
haben habt halt hast hat hätte hatte hätten hatten her hier hin hinter ich ihm ihn ihnen ihr ihre
ihrem ihren ihrer ihres im in indem ins ist ja je jede jedem jeden jeder jedes jene jenem jenen
jener jenes kann kannst können könnt könnte konnte könnten konnten mag magst mal man mehr mein
meine meinem meinen meiner meines mich mir mit möchte mochte mochten möchten mögen mögt muss muß
müssen müsst musst musste mussten nach nachdem neben noch nun nur ob obwohl oder ohne schon sehr
sei seid seien sein seine seinem seinen seiner seines seit sich sie sind so sogar solche solcher
solches soll sollen sollst sollt sollte sollten sondern sonst sowie trotz über übers um ums und
uns unser unsere unserem unseren unserer unseres unter unterm vom von vor vorm während wann war
wäre wären waren warst wart warum was wegen weil welche welchem welchen welcher welches wem wen
wenn wer werde werden werdet weshalb wessen wie wieder wieso will willst wir wird wirst wo woher
wohin wollen wollt wollte wollten worden würde wurde würden wurden zu zum zur zwar zwischen
"""

_ENGLISH = """
a about am an and are as at be been but by can could did do does for from had has have he her him
his how i if in into is it its may me might must my of on or our shall she should so some that the
their them then there these they this those to us was we were what when where which who why will
with would you your
"""

_CHINESE = """
与 且 个 为 么 之 也 了 于 什 从 他 以 们 会 但 你 其 再 几 则 到 又 及 可 同 向 吗 吧 呀
呢 和 哦 哪 啊 嘛 在 地 多 太 她 它 对 少 就 并 往 很 得 怎 您 我 或 所 才 把 是 更 最 有
某 此 由 的 着 给 而 能 被 要 让 谁 跟 过 还 这 那 都
"""

FUNCTION_WORDS = {
    "de": frozenset(_GERMAN.split()),
    "en": frozenset(_ENGLISH.split()),
    "zh": frozenset(_CHINESE.split()),
}
