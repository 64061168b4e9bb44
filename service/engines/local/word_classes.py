"""Classes of English words that extraction goes by: who reports, what is opinion, what is an act.

Closed lists of general vocabulary. Nothing here knows any subject matter.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


REPORTING = _words(
    """say tell state announce confirm report add note explain reveal disclose find show
    rule warn acknowledge admit concede insist stress emphasise emphasize underscore
    underline reiterate claim allege argue suggest maintain assert declare testify write
    cite recall remark indicate conclude estimate calculate determine establish observe
    inform affirm reaffirm clarify contend complain assure caution mention point quote
    notify certify attest record"""
)
"""Verbs whose complement is a reported fact, and so the claim."""

OPINING = _words(
    """believe think feel hope expect fear predict forecast wonder doubt want wish suspect
    imagine guess anticipate reckon worry suppose assume consider prefer dream speculate
    project"""
)
"""Verbs whose complement is a view or a prediction: no claim."""

GUESSING = _words("suggest argue claim allege estimate contend maintain insist")
"""Reporting verbs that leave open whether the speaker can know."""

ACKNOWLEDGING = _words("acknowledge admit concede deny pledge promise vow agree decide apologise")
"""Reporting that is an act itself, worth a claim of its own beside what was reported."""

EMERGING = _words("emerge transpire turn happen follow appear seem")
"""Verbs under which "it" only stands for the clause to come ("it emerged that ...")."""

INFORMING = _words("tell inform notify warn assure advise remind convince persuade satisfy teach")
"""Verbs that are passive of the one who hears: their "it" is somebody ("it was told that ...")."""

PERSONAL_ADJECTIVES = _words(
    """able unable ready willing unwilling set due keen eager free bound reluctant hesitant
    prepared determined first last quick slow likely unlikely sure certain confident proud
    aware unaware conscious glad happy unhappy pleased satisfied worried concerned afraid
    convinced hopeful sorry angry careful insistent adamant committed supposed"""
)
"""Adjectives said of somebody or something even before a clause ("it was aware that ...")."""

TRUTH = _words("true false untrue correct incorrect accurate inaccurate wrong")
"""Adjectives that affirm or deny the clause they are said of."""

WEATHER = _words("rain snow drizzle")

DESCRIBING = _words(
    """describe characterise characterize portray depict label brand call term regard view
    see interpret hail praise welcome condemn criticise criticize denounce deplore slam
    decry dub perceive cast frame blast tout"""
)
"""Verbs that put a value on their object."""

SAME_PAST = _words(
    """put cut hit set shut held found sold sent made told brought bought paid lost left
    kept built caught taught fought laid led fed bound read spent split struck won"""
)
"""Pasts that are participles too: without an object, after a passive, they are passive."""

CONCESSIVE = _words("while although though whereas albeit")
HYPOTHETICAL = _words("if unless whether provided supposing lest")
FACTIVE = _words("after because since")

SPECULATIVE_MODALS = _words("could may might would should must ought 'd ’d shall")
FUTURE_MODALS = _words("will 'll ’ll wo")

HEDGES = _words(
    """perhaps maybe possibly probably presumably conceivably arguably likely unlikely
    apparently seemingly supposedly potentially allegedly reportedly rumoured rumored
    hopefully"""
)
SEEMING = _words("seem appear tend look sound feel")
DISCOURSE = _words(
    """however meanwhile moreover therefore thus instead nevertheless nonetheless
    additionally furthermore indeed overall also besides consequently hence too similarly
    likewise conversely finally accordingly still yet though separately notably importantly
    interestingly crucially again otherwise"""
)
"""Adverbs that tie a sentence to its neighbours and mean nothing in a claim on its own."""

SUMMARISING = _words(
    """move step decision development measure act action shift change gesture effort attempt
    achievement feat blow boost sign signal result outcome response reaction event incident
    departure breakthrough setback milestone practice strategy approach stance position
    policy claim statement view figure increase rise fall drop decline decrease gain loss
    record"""
)
"""Nouns that take up a whole clause ("..., a step that ...")."""

WORDING = _words("phrase term word expression slogan name nickname title label formula wording")
"""Nouns that take up the words just quoted."""

FRAMES = _words(
    """development statement addition contrast comment speech interview move bid sign twist
    blow display show fact turn message letter report response step reply case way instance
    example summary short general particular conclusion context sense event nutshell"""
)
"""What "in a ..." at the head of a sentence frames it with."""

COLLECTIVE = _words(
    """combine compare merge join link connect mix unite separate distinguish balance
    exchange swap marry differ total number divide sandwich fuse pair blend integrate
    reconcile"""
)
"""Verbs that are only true of their objects together."""

CONTENT_NOUNS = _words(
    """plan proposal scheme deal agreement law bill project programme program initiative
    mission policy pledge promise treaty contract order directive resolution campaign
    strategy offer application request motion measure regulation pact arrangement"""
)
"""Nouns whose infinitive says what they provide for ("a plan to close ...")."""

EVENTS = _words(
    """movement test exercise attack strike visit meeting talk protest rally election vote
    outbreak flood flooding storm earthquake crash accident explosion shooting raid arrest
    launch landing flight patrol drill manoeuvre maneuver deployment incursion intrusion
    violation clash battle war invasion cut increase rise fall drop decline closure sale
    purchase merger takeover resignation death killing leak spill breach hack cyberattack
    walkout shutdown lockdown ban sanction tariff fine penalty lawsuit trial conviction
    ruling hearing inquiry investigation audit review report survey study delay cancellation
    collapse failure recall withdrawal ceasefire truce summit conference negotiation
    agreement signing announcement statement warning threat complaint"""
)
"""Nouns of things that happen."""

PRESUPPOSING = (
    "in light of",
    "in the light of",
    "in response to",
    "in the wake of",
    "as a result of",
    "as a consequence of",
    "in reaction to",
    "on the back of",
    "because of",
    "due to",
    "owing to",
    "thanks to",
    "following",
    "amid",
    "amidst",
    "after",
    "since",
    "despite",
    "in spite of",
    "notwithstanding",
    "given",
    "in the face of",
    "in the aftermath of",
)
"""Prepositions whose object is taken to have happened."""

NOMINALISED = {
    noun: participle
    for pair in _words(
        """
    abolition:abolished acquisition:acquired adoption:adopted annexation:annexed
    appointment:appointed approval:approved arrest:arrested assassination:assassinated
    award:awarded ban:banned cancellation:cancelled closure:closed closing:closed
    completion:completed construction:built conversion:converted conviction:convicted
    creation:created declaration:declared defeat:defeated demolition:demolished
    deployment:deployed destruction:destroyed detention:detained discovery:discovered
    dismissal:dismissed dissolution:dissolved election:elected enactment:enacted
    establishment:established execution:executed expansion:expanded expulsion:expelled
    extension:extended extradition:extradited formation:formed foundation:founded
    founding:founded imposition:imposed imprisonment:imprisoned inauguration:inaugurated
    installation:installed introduction:introduced invasion:invaded invention:invented
    kidnapping:kidnapped killing:killed launch:launched liberation:liberated merger:merged
    modernisation:modernised modernization:modernized murder:murdered
    nationalisation:nationalised nationalization:nationalized nomination:nominated
    occupation:occupied opening:opened overthrow:overthrown passage:passed
    postponement:postponed privatisation:privatised privatization:privatized
    publication:published purchase:purchased ratification:ratified reconstruction:rebuilt
    reduction:reduced reform:reformed refurbishment:refurbished reintroduction:reintroduced
    release:released removal:removed renewal:renewed renovation:renovated reopening:reopened
    repeal:repealed replacement:replaced reunification:reunified revision:revised sacking:sacked
    sale:sold seizure:seized shutdown:shut signing:signed suspension:suspended takeover:taken
    termination:terminated theft:stolen translation:translated unification:unified
    unveiling:unveiled upgrade:upgraded
    """
    )
    for noun, participle in [pair.split(":")]
}
"""Event nouns and the participle that says that it was done to the object of their "of"."""

STATIVE_PARTICIPLES = _words(
    """based led owned located situated known called named headed chaired run operated
    backed supported home headquartered made composed surrounded considered"""
)
"""Participles of what still holds: "led by" is, "built in" was."""

OFFICIALS = _words(
    """government ministry minister president parliament council court police army navy
    military commission committee agency authority department office bureau board bank
    regulator mayor governor senator judge prosecutor spokesman spokeswoman spokesperson
    official officials chief secretary ambassador embassy commander general admiral
    chancellor congress senate assembly union federation administration cabinet treasury
    institute university hospital company firm inspector investigator investigators tribunal
    panel delegation party ministers leaders"""
)

ACTS = _words(
    """announce approve adopt acquire arrest award ban begin block bomb build buy cancel
    close complete confirm convict cut declare decline defeat deploy detain die dismiss
    donate earn elect employ end evacuate expel export fall fine fire find found fund grow
    hire hit hold import increase injure invade invest issue join kill launch lead leave
    lose make marry meet move open order overturn own pass pay postpone produce publish
    raise reach record reduce refuse reject release remove replace report resign rise rule
    seize sell send sentence serve sign spend start strike suspend test travel veto visit
    vote win withdraw acknowledge carry conduct execute encompass comprise cover feature fly
    involve include perform operate contain cost measure weigh sink crash spread fail admit
    double triple halve use develop design create write direct discover invent bear
    establish destroy attack shoot capture occupy treat infect vaccinate diagnose cause
    prevent"""
)
"""Verbs of acts and events that somebody can have seen or recorded."""

REACTIONS = _words(
    """concern speculation question doubt fear alarm criticism outrage debate interest hope
    anger worry anxiety excitement controversy attention surprise shock unease discontent
    enthusiasm optimism pessimism scepticism skepticism suspicion curiosity sympathy
    confusion"""
)
STIRRING = _words("fuel spark trigger raise stir prompt provoke draw arouse attract generate cause")

EVALUATIVE = _words(
    """beautiful ugly wonderful controversial terrible horrible awful great good bad best worst
    better worse nice fantastic amazing impressive remarkable stunning disappointing shameful
    disgraceful brilliant excellent poor perfect ideal crucial vital important essential
    necessary interesting fascinating exciting boring tragic sad happy proud dark bright
    bold brave careful careless cautious clever smart stupid foolish wise sensible
    reasonable unreasonable fair unfair just unjust right wrong appropriate inappropriate
    acceptable unacceptable worrying alarming troubling concerning encouraging promising
    welcome unwelcome surprising unsurprising shocking dramatic dire bleak gloomy grim rosy
    fresh vibrant dynamic robust fragile delicate meaningful powerful
    strong weak significant notable striking extraordinary unprecedented historic iconic
    legendary famous popular beloved favourite favorite easy hard difficult tough simple
    complex complicated challenging useful useless valuable invaluable worthwhile unclear
    uncertain clear obvious evident hopeful doubtful likely unlikely lovely charming elegant
    bitter sweet fierce relentless
    intriguing"""
)
"""Adjectives that judge more than they describe."""

EVALUATIVE_NOUNS = _words(
    """moment joy gift tragedy disgrace triumph disaster miracle nightmare dream shame
    scandal farce stunt insult mess mystery pleasure honour honor privilege blessing curse
    guess wonder treat betrayal mockery masterpiece gem legend hero villain day time
    shambles catastrophe necessity"""
)
"""Nouns that, said of something, judge it ("a dark day", "anyone's guess")."""

INTENSIFYING = _words(
    """very extremely highly incredibly truly really quite rather far too increasingly
    deeply profoundly utterly simply merely clearly obviously undoubtedly surely certainly
    easily beautifully sadly happily unfortunately fortunately hopefully ultimately
    necessarily essentially fundamentally arguably frankly"""
)

ABSTRACT_VERBS = _words(
    """define shape reflect underline underscore highlight signal symbolise symbolize embody
    represent matter need deserve inspire enrich shake haunt captivate strive navigate
    grapple face ensure enjoy appreciate understand realise realize remember consider keep
    try seek aim help enable allow encourage foster promote"""
)
"""Verbs under which little can be measured."""

VAGUE_PEOPLE = _words(
    """critics analysts experts observers insiders commentators advocates campaigners
    activists some many people everyone nobody others residents parents fans supporters
    opponents pundits sceptics skeptics diplomats researchers families world"""
)

TITLES = _words(
    """Mr Mrs Ms Miss Dr Prof Sir Dame Lord Lady President Mayor Governor Minister Judge"""
)

PERSONS = _words(
    """man woman boy girl minister president mayor governor senator judge prosecutor
    spokesman spokeswoman spokesperson official chief secretary ambassador commander general
    admiral chancellor inspector investigator leader king queen prince princess pope bishop
    driver pilot doctor nurse surgeon physician scientist researcher professor teacher
    student lawyer analyst economist author writer artist singer actor actress director
    manager chairman chairwoman chair founder owner player coach captain striker farmer
    worker soldier officer witness victim suspect patient resident mother father son
    daughter wife husband brother sister child candidate lawmaker councillor councilor
    activist critic expert engineer astronaut athlete champion"""
)
"""Nouns that "he" or "she" can stand for."""
