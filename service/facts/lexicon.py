"""Word tables that comparing facts needs: polities and their names, opposites, denials, stop words.

Facts of the language and the map, nothing about any one text. A capital stands for its government
("Tokyo declined"), except where it is the place of something ("signed in Tokyo").
"""

from __future__ import annotations

_POLITIES = """
us: united states, united states of america, u.s., us, usa, u.s.a., america, american, americans; washington
jp: japan, japanese; tokyo
cn: china, people's republic of china, prc, chinese; beijing
ru: russia, russian federation, russian, russians; moscow, kremlin
ua: ukraine, ukrainian, ukrainians; kyiv, kiev
gb: united kingdom, uk, u.k., britain, great britain, british, briton, britons; london
fr: france, french; paris
de: germany, german, germans; berlin
it: italy, italian, italians; rome
es: spain, spanish, spaniards; madrid
pt: portugal, portuguese; lisbon
nl: netherlands, dutch, holland; the hague
be: belgium, belgian, belgians
pl: poland, polish, poles; warsaw
cz: czech republic, czechia, czech, czechs; prague
sk: slovakia, slovak, slovaks; bratislava
hu: hungary, hungarian, hungarians; budapest
ro: romania, romanian, romanians; bucharest
bg: bulgaria, bulgarian, bulgarians; sofia
gr: greece, greek, greeks; athens
tr: turkey, türkiye, turkish, turks; ankara
se: sweden, swedish, swedes; stockholm
no: norway, norwegian, norwegians; oslo
fi: finland, finnish, finns; helsinki
dk: denmark, danish, danes; copenhagen
ie: ireland, irish; dublin
at: austria, austrian, austrians; vienna
ch: switzerland, swiss; bern
ee: estonia, estonian, estonians; tallinn
lv: latvia, latvian, latvians; riga
lt: lithuania, lithuanian, lithuanians; vilnius
by: belarus, belarusian, belarusians; minsk
ge: georgia, georgian, georgians; tbilisi
am: armenia, armenian, armenians; yerevan
az: azerbaijan, azerbaijani, azerbaijanis; baku
kz: kazakhstan, kazakh; astana
il: israel, israeli, israelis; jerusalem, tel aviv
ps: palestine, palestinian, palestinians; ramallah
ir: iran, iranian, iranians; tehran
iq: iraq, iraqi, iraqis; baghdad
sy: syria, syrian, syrians; damascus
lb: lebanon, lebanese; beirut
sa: saudi arabia, saudi, saudis; riyadh
ae: united arab emirates, uae, emirati; abu dhabi
qa: qatar, qatari; doha
ye: yemen, yemeni; sanaa
eg: egypt, egyptian, egyptians; cairo
in: india, indian, indians; new delhi, delhi
pk: pakistan, pakistani, pakistanis; islamabad
bd: bangladesh, bangladeshi; dhaka
af: afghanistan, afghan, afghans; kabul
kp: north korea, dprk, democratic people's republic of korea, north korean, north koreans; pyongyang
kr: south korea, republic of korea, rok, south korean, south koreans; seoul
tw: taiwan, taiwanese; taipei
ph: philippines, philippine, filipino, filipinos; manila
vn: vietnam, vietnamese; hanoi
th: thailand, thai, thais; bangkok
id: indonesia, indonesian, indonesians; jakarta
my: malaysia, malaysian, malaysians; kuala lumpur
sg: singapore, singaporean
au: australia, australian, australians; canberra
nz: new zealand, new zealander; wellington
ca: canada, canadian, canadians; ottawa
mx: mexico, mexican, mexicans; mexico city
br: brazil, brazilian, brazilians; brasilia
ar: argentina, argentine, argentinian; buenos aires
cl: chile, chilean; santiago
co: colombia, colombian; bogota
ve: venezuela, venezuelan; caracas
cu: cuba, cuban; havana
za: south africa, south african, south africans; pretoria
ng: nigeria, nigerian, nigerians; abuja
ke: kenya, kenyan, kenyans; nairobi
et: ethiopia, ethiopian, ethiopians; addis ababa
sd: sudan, sudanese; khartoum
eu: european union, eu, european commission, european council, european, europe, europeans; brussels
un: united nations, un, u.n.
nato: nato, north atlantic treaty organization, north atlantic treaty organisation
g7: g7, g-7, group of seven
g20: g20, g-20, group of twenty
who: who, world health organization, world health organisation
imf: imf, international monetary fund
"""

POLITY: dict[str, str] = {}
CAPITAL: dict[str, str] = {}
for _line in _POLITIES.strip().splitlines():
    _id, _, _rest = _line.partition(": ")
    _names, _, _capitals = _rest.partition("; ")
    POLITY |= {name.strip(): _id for name in _names.split(",")}
    CAPITAL |= {name.strip(): _id for name in _capitals.split(",") if name.strip()}

_OPPOSITES = """
rise climb increase grow gain jump surge soar up higher more / fall drop decrease decline shrink dip plunge slump down lower less fewer
raise lift hike boost expand / cut lower reduce slash trim curb
accept approve agree endorse back support welcome uphold confirm ratify adopt pass / reject refuse oppose decline deny rebuff annul overturn veto dismiss
win / lose
start begin launch open / end stop close halt cease finish
allow permit authorise authorize enable / ban prohibit forbid block bar prevent
strengthen reinforce bolster enhance / weaken undermine erode
join enter / leave quit exit withdraw
include / exclude omit
succeed / fail
safe / unsafe dangerous
legal lawful / illegal unlawful
guilty / innocent acquitted
increase / reduction
above / below
before / after
unanimous / divided
freeze immobilise immobilize block hold retain keep / release unfreeze thaw unblock return
harmless safe routine / dangerous hazardous risky
calm ease soothe / worsen escalate aggravate
remain stay keep continue / end abandon scrap drop stop cease kill
unwavering firm ironclad steadfast solid strong / shaken wavering fragile weak shaky
public open / secret classified covert hidden confidential
conducive helpful / harmful detrimental
original / amended
hire / fire sack dismiss
buy purchase acquire / sell
import / export
lend / borrow
advance / retreat
attack / defend
alive / dead
majority / minority
borrow loan / grant gift donation
introduce impose install establish / end scrap abolish lift abandon remove repeal
keep maintain hold / cut lower reduce
keep maintain hold / raise lift hike
become join enter accede / leave quit exit
lengthen extend prolong long / shorten curtail short
large big great / small little
warm hot / cool cold
tighten toughen / loosen ease relax
violate breach break / respect observe honour honor
early / late
supply provide deliver / withhold deny
"""

OPPOSITE: dict[str, frozenset[str]] = {}
ALIKE: dict[str, frozenset[str]] = {}
for _line in _OPPOSITES.strip().splitlines():
    _left, _right = (side.split() for side in _line.split(" / "))
    for _a, _b in ((_left, _right), (_right, _left)):
        for _word in _a:
            OPPOSITE[_word] = OPPOSITE.get(_word, frozenset()) | frozenset(_b)
            ALIKE[_word] = ALIKE.get(_word, frozenset()) | frozenset(_a) - {_word}

NEGATIONS = frozenset({"not", "n't", "no", "never", "neither", "nor", "none", "nobody", "nothing", "without", "cannot"})  # fmt: skip

DENIAL_WORDS = frozenset(
    {
        "untrue", "false", "baseless", "unfounded", "groundless", "fabricated", "incorrect", "wrong",
        "inaccurate", "misleading", "hoax", "fake",
    }
)  # fmt: skip
DENIAL_VERBS = frozenset({"deny", "refute", "debunk", "rebut", "dismiss", "reject", "contradict"})

TITLES = frozenset(
    """mr mrs ms dr sir lord lady president vice prime minister ministers chief cabinet secretary
    general governor senator chancellor king queen professor judge captain admiral colonel defense
    defence finance foreign state deputy director chair chairman chairwoman chairperson speaker
    secretary-general commissioner ambassador spokesman spokeswoman spokesperson leader leaders
    """.split()
)

STOP = frozenset(
    """a an the of in on at by to for from with and or but as is are was were be been being it its
    this that these those there their they them he she his her him we our us you your i my me who whom
    whose which what when where while than then so such also into onto over under about after before
    during between among against through up down out off upon per via will would shall should can
    could may might must do does did done has have had having not no nor if whether because since until
    both each other another any some all more most very just only own same too now said say says saying
    according told tell report reported announce announced state stated confirm confirmed claim claimed
    n't 's ’s""".split()
)

_SYNONYMS = """
exercise drill manoeuvre maneuver wargame training operation
flight fly air aerial aviation
jet aircraft plane warplane fighter airplane
ship vessel warship
soldier troop serviceman personnel
commitment will resolve determination pledge promise vow
allow tolerate permit accept
reject refuse decline rebuff
announce declare unveil reveal disclose publish
say state tell note add
call describe label term
agree deal accord agreement pact
treaty pact agreement convention
freeze immobilise immobilize seize block
asset fund money holding property
loan lend lending borrow borrowing credit
aid assistance help support relief
pay repay finance fund cover
propose proposal suggest plan initiative offer
begin start launch commence
end finish conclude stop terminate
rise increase climb grow jump surge gain
fall drop decline decrease shrink dip
raise lift hike increase
cut lower reduce trim slash
buy purchase acquire procure
sell dispose
build construct produce make manufacture
reach arrive hit attain
leave depart quit exit withdraw
meet meeting summit talk conference
leader head chief
minister secretary
official authority government
worry concern anxiety alarm
danger dangerous hazard hazardous risky peril unsafe
show display demonstrate demonstration
threat menace threaten
attack strike assault
destroy shoot down
kill die death dead fatality
hurt injure injury wound casualty
sick ill illness disease infection
vaccine jab shot immunisation immunization
doctor physician medic
hospital clinic
approve authorise authorize endorse clear back
forbid ban prohibit outlaw
arrest detain hold custody
charge accuse indict
judge court tribunal justice
rule ruling judgment judgement verdict
law act statute legislation bill
vote ballot poll election elect
win victory triumph
lose defeat loss
army military force
defence defense
deter deterrence deterrent
security safety
border frontier
country nation state
people person resident inhabitant population
worker employee staff
job employment post position
pay wage salary earnings
price cost
tax levy duty
rate level
bank lender
company firm business corporation
spending expenditure outlay
budget
growth expansion
recession downturn slump
warm hot heat
record high highest
climate weather
flood inundate flooding
storm hurricane typhoon cyclone
earthquake quake tremor
spacecraft probe craft satellite
moon lunar
sea ocean
maritime naval
island isle
base airfield airbase
see spot observe sight
scramble
join
visit travel trip
sign ink signing
adopt
amend revise change reform update
replace substitute succeed
remain stay keep continue
strengthen reinforce bolster enhance boost
weaken undermine erode
unwavering firm ironclad steadfast
ready prepared preparedness readiness
concrete tangible
untrue false wrong incorrect
big large major huge
small little minor
quick fast rapid swift
nearly almost
"""

SYNONYMS: dict[str, frozenset[str]] = {}
"""Words that say the same in official and news English; held against each other word by word."""
for _line in _SYNONYMS.strip().splitlines():
    _words = _line.split()
    for _word in _words:
        SYNONYMS[_word] = SYNONYMS.get(_word, frozenset()) | frozenset(_words) - {_word}

LIGHT = frozenset(
    """feature involve include take part hold execute conduct carry make do have get give go come
    put set see use be become seem appear perform occur happen participate design aim mean mark
    consist comprise number total place time way""".split()
)
"""Verbs that say little beyond that something is or takes place."""

COLOURING = frozenset(
    """quietly controversial controversially rare high-stakes cutting-edge dramatic dramatically
    shocking shockingly stunning surprisingly surprising so-called notorious bold boldly sharply
    finally famously secretly reportedly allegedly massive massively unprecedented historic landmark
    ambitious troubling worrying alarming vague mysterious mysteriously abruptly suddenly brazen
    brazenly provocative sweeping bitter fierce fiercely key crucial vital significant notably
    breaking actually really simply merely clearly obviously apparently""".split()
)
"""Modifiers that colour a claim without anything that a statement could confirm."""

PHRASAL = {
    "turn down": "reject", "rule out": "exclude", "call off": "cancel", "put off": "delay",
    "carry out": "conduct", "set up": "establish", "go on": "continue", "carry on": "continue",
    "break down": "fail", "strike down": "annul", "shoot down": "destroy", "step up": "increase",
    "give up": "abandon", "back down": "withdraw", "bring down": "lower", "go up": "rise",
    "go down": "fall", "come down": "land", "touch down": "land", "take off": "depart",
    "take over": "assume", "hand over": "deliver", "pull out": "withdraw", "pay back": "repay",
    "give back": "return", "put in": "install", "wind down": "end", "phase out": "end",
    "cut off": "stop", "hold back": "withhold", "stand by": "support", "back up": "support",
    "point out": "note", "make up": "comprise", "consist of": "comprise", "sign off": "approve",
    "vote down": "reject", "throw out": "reject", "knock back": "reject", "lay off": "dismiss",
    "speed up": "accelerate", "slow down": "slow", "scale back": "reduce", "ramp up": "increase",
}  # fmt: skip
"""Verbs that say something else with their particle."""
