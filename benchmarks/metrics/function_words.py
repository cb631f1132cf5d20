"""Words that carry grammar rather than content, by language; for the content column of novelty.

Articles, pronouns, prepositions, conjunctions, particles, auxiliary and modal verbs, of our own
choosing. Negation, numbers and question words are content. Chinese is compared by the character.
"""

_GERMAN = """
der die das den dem des ein eine einen einem einer eines dieser diese dieses diesen diesem
jener jene jenes jenen jenem welcher welche welches welchen welchem solche solcher solches
derjenige diejenige dasjenige derselbe dieselbe dasselbe
ich du er sie es wir ihr mich dich ihn uns euch mir dir ihm ihnen sich man
mein meine meinen meinem meiner meines dein deine deinen deinem deiner deines
sein seine seinen seinem seiner seines ihre ihren ihrem ihrer ihres
unser unsere unseren unserem unserer unseres euer eure euren eurem eurer eures
in im ins an am ans auf aufs aus bei beim bis durch durchs für fürs gegen hinter mit nach neben
ohne seit über übers um ums unter unterm von vom vor vorm während wegen trotz zu zum zur zwischen
und oder aber denn sondern sowie als wie wenn dass daß ob weil da damit obwohl indem nachdem bevor
auch noch schon nur doch ja mal dann so sehr eben halt etwa dabei dazu davon daran darauf daraus
dafür dagegen darin darüber darunter dort hier hin her
bin bist ist sind seid war warst waren wart gewesen wäre wären sei seien
habe hast hat haben habt hatte hatten gehabt hätte hätten
werde wirst wird werden werdet wurde wurden worden geworden würde würden
kann kannst können könnt konnte konnten könnte könnten muss muß musst müssen müsst musste mussten
soll sollst sollen sollt sollte sollten will willst wollen wollt wollte wollten
darf darfst dürfen dürft durfte durften mag magst mögen mögt mochte mochten möchte möchten
"""

_CHINESE = """
的 了 着 过 地 得 吗 呢 吧 啊 呀 嘛 哦 么 们 个 所 之
我 你 您 他 她 它 这 那 此 其 某
在 于 从 向 往 对 把 被 给 让 由 以 为 和 与 跟 同 及 或 而 且 但 并 则
就 才 都 也 还 又 再 很 太 更 最
是 有 会 能 要 可
"""

FUNCTION_WORDS = {"de": frozenset(_GERMAN.split()), "zh": frozenset(_CHINESE.split())}
