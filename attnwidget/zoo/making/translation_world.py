"""The words of the micro-grammar English → French: what each is called and how it changes.

Every English word has one French word here. Nouns whose gender English leaves open (teacher,
friend) and nouns without a plural of their own (fish, sheep) are left out, for a translation has to
be decided by its source.

In the tables an entry is ``english french``, with irregular forms behind a slash: plurals of nouns
(``mouse/mice``, ``cheval/chevaux``), feminine and masculine plural of adjectives
(``beau/belle/beaux``). A star marks an aspirated h, before which nothing is left out: le hibou.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

NOUNS = {
    "person": {
        "m": """man/men homme, boy garçon, child/children enfant, king roi, father père, brother
            frère, uncle oncle, prince prince, waiter serveur, actor acteur, monk moine, baby bébé,
            hero/heroes *héros, knight chevalier, soldier soldat, sailor marin, son fils""",
        "f": """woman/women femme, girl fille, queen reine, mother mère, sister sœur, aunt tante,
            princess princesse, waitress serveuse, actress actrice, witch sorcière, heroine héroïne,
            lady dame, family famille""",
    },
    "animal": {
        "m": """cat chat, dog chien, horse cheval/chevaux, bird oiseau, rabbit lapin, owl
            *hibou/hiboux, hedgehog *hérisson, bear ours, wolf/wolves loup, fox renard, lion lion,
            duck canard, squirrel écureuil, donkey âne, elephant éléphant, monkey singe""",
        "f": """cow vache, mouse/mice souris, goat chèvre, hen poule, frog grenouille, bee abeille,
            ant fourmi, spider araignée, turtle tortue""",
    },
    "food": {
        "m": """cheese fromage, cake gâteau, egg œuf, onion oignon, bean *haricot, lemon citron,
            biscuit biscuit, apricot abricot""",
        "f": "apple pomme, pear poire, carrot carotte, orange orange, cherry cerise, soup soupe",
    },
    "thing": {
        "m": """book livre, bag sac, glass verre, knife/knives couteau, mirror miroir, bicycle vélo,
            boat bateau, plane avion, newspaper journal/journaux, tree arbre, pencil crayon, gift
            cadeau, toy jouet, umbrella parapluie""",
        "f": """letter lettre, chair chaise, table table, key clé, box boîte, cup tasse, lamp lampe,
            clock horloge, picture image, car voiture, flower fleur, doll poupée, plate assiette,
            bottle bouteille""",
    },
    "garment": {
        "m": "hat chapeau, coat manteau, glove gant",
        "f": "dress robe, shirt chemise, skirt jupe, shoe chaussure, scarf/scarves écharpe",
    },
    "place": {
        "m": """garden jardin, hotel hôtel, hospital hôpital/hôpitaux, castle château, village
            village, bridge pont, market marché, lake lac, shop magasin""",
        "f": """house maison, school école, church église, street rue, town ville, forest forêt,
            river rivière, island île, tower tour, kitchen cuisine, farm ferme""",
    },
}

# Adjectives by where they stand in French, and by the nouns they are said of.
BEFORE = {
    "person animal thing garment place": "small petit, little petit, old vieux/vieille/vieux",
    "person animal thing place": "big grand, beautiful beau/belle/beaux",
    "person animal": "young jeune",
    "thing garment place animal": "pretty joli",
    "person food thing": "good bon/bonne, bad mauvais",
    "thing garment place": "new nouveau/nouvelle/nouveaux",
    "animal": "fat gros/grosse",
}
BEFORE_VOWEL = {"vieux": "vieil", "beau": "bel", "nouveau": "nouvel"}  # un vieil homme
AFTER = {
    "animal thing garment place": "black noir, white blanc/blanche, grey gris, brown brun",
    "food thing garment": """red rouge, green vert, yellow jaune, blue bleu, pink rose,
        purple violet/violette""",
    "person animal": """clever intelligent, sad triste, tired fatigué, lazy paresseux/paresseuse,
        happy heureux/heureuse, brave courageux/courageuse, strong fort, weak faible, sick malade,
        curious curieux/curieuse, calm calme""",
    "person": "rich riche, famous célèbre, shy timide, polite poli",
    "thing": "heavy lourd, round rond, broken cassé",
    "thing garment place": "expensive cher/chère, dirty sale",
    "food": "hot chaud, cold froid, fresh frais/fraîche, sweet sucré",
    "animal place": "dangerous dangereux/dangereuse",
    "place": "quiet tranquille, dark sombre, modern moderne",
    "thing place": "strange étrange, empty vide",
}
# One is hungry in English and has hunger in French.
HAD = {"hungry": "faim", "thirsty": "soif", "afraid": "peur", "sleepy": "sommeil"}

# Verbs: those that need no object, then those with one, by who does it and to what. Of verbs other
# than those in -er, the forms of je, il, nous, ils and the infinitive are written out.
ALONE = {
    "person": """sing chanter, dance danser, work travailler, travel voyager, cook cuisiner, smile
        souris/sourit/sourions/sourient/sourire, laugh ris/rit/rions/rient/rire, cry pleurer""",
    "person animal": """sleep dors/dort/dormons/dorment/dormir, run
        cours/court/courons/courent/courir, swim nager, walk marcher, jump sauter, play jouer,
        dream rêver, arrive arriver, eat manger, breathe respirer""",
    "bird bee owl plane duck": "fly voler",
    "person animal thing": "fall tomber",
}
WITH = {
    ("person animal", "person animal food thing garment place"): """
        see vois/voit/voyons/voient/voir, watch regarder, find trouver, look+for chercher""",
    ("person animal", "food"): "eat manger",
    ("person animal", "person animal"): """follow suis/suit/suivons/suivent/suivre, hear
        entends/entend/entendons/entendent/entendre, wait+for
        attends/attend/attendons/attendent/attendre, love aimer""",
    ("person", "person animal"): """help aider, listen+to écouter, protect
        protège/protège/protégeons/protègent/protéger, feed
        nourris/nourrit/nourrissons/nourrissent/nourrir, call
        appelle/appelle/appelons/appellent/appeler""",
    ("person", "person"): "invite inviter, thank remercier",
    ("person", "place"): "visit visiter, admire admirer",
    ("person", "thing garment food"): """buy achète/achète/achetons/achètent/acheter, sell
        vends/vend/vendons/vendent/vendre, take prends/prend/prenons/prennent/prendre, forget
        oublier, choose choisis/choisit/choisissons/choisissent/choisir, want
        veux/veut/voulons/veulent/vouloir, hide cacher, keep garder""",
    ("person", "thing garment animal"): """have ai/a/avons/ont/avoir, lose
        perds/perd/perdons/perdent/perdre""",
    ("person", "thing"): "carry porter, break casser",
    ("person", "garment"): "wear porter, wash laver",
    ("person", "book letter newspaper"): "read lis/lit/lisons/lisent/lire",
    ("person", "book letter"): "write écris/écrit/écrivons/écrivent/écrire",
    ("person", "box bag bottle umbrella letter"): """open ouvre/ouvre/ouvrons/ouvrent/ouvrir, close
        fermer""",
    ("person", "animal thing place"): """draw dessiner, paint
        peins/peint/peignons/peignent/peindre""",
}
GIVING = {  # a thing, to a person
    ("person", "thing garment"): """give donner, show montrer, bring apporter, lend prêter, send
        envoie/envoie/envoyons/envoient/envoyer""",
}
MOVING = {
    ("person", "person"): "speak+to parler",
    (
        "person",
        "garden castle village market shop house school church hotel hospital town farm lake",
    ): "go+to vais/va/allons/vont/aller",
    ("person animal", "place"): "come+from viens/vient/venons/viennent/venir",
}
MODAL = """can peux/peut/pouvons/peuvent/pouvoir, must dois/doit/devons/doivent/devoir,
    want+to veux/veut/voulons/veulent/vouloir"""
BE = "be suis/est/sommes/sont/être"
HAVE = "have ai/a/avons/ont/avoir"

SOMETIMES = {"often": "souvent", "always": "toujours"}
HOW = {"quickly": "rapidement", "slowly": "lentement", "here": "ici", "outside": "dehors"}
WHERE = {  # a preposition, and what stands after it
    "in": ("dans", "garden castle village forest house school hotel town kitchen church box bag"),
    "on": ("sur", "table chair bridge island boat bicycle"),
    "under": ("sous", "table chair bridge tree umbrella lamp"),
    "behind": ("derrière", "house school tree church mirror castle tower"),
    "near": ("près de", "lake river house hospital tree bridge farm forest market"),
    "with": ("avec", "person"),
}


@dataclass(frozen=True, eq=False)
class Noun:
    """``english[0]`` is one, ``english[1]`` are several; so with `french`."""

    english: tuple[str, str]
    french: tuple[str, str]
    feminine: bool
    kind: str


@dataclass(frozen=True)
class Adjective:
    """``french[feminine][plural]`` is the form that agrees."""

    english: str
    french: tuple[tuple[str, str], tuple[str, str]]
    is_before: bool
    kinds: str


@dataclass(frozen=True)
class Verb:
    """A verb with its English particle ("look" + "for"), who does it, and to what."""

    english: str
    particle: str
    french: tuple[str, ...]  # je, il, nous, ils, infinitive
    subjects: str
    objects: str

    def agreeing(self, first_person: bool, plural: bool) -> str:
        """The French form for I or he, we or they."""
        return self.french[2 * plural + (not first_person)]

    @property
    def infinitive(self) -> str:
        return self.french[4]

    @property
    def third(self) -> str:
        """The English form for he or she: "watches"."""
        return {"have": "has", "be": "is", "can": "can", "must": "must"}.get(
            self.english, several(self.english)
        )


def several(word: str) -> str:
    """The English word with the ending -s, as nouns and verbs have it."""
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh", "go")) else "s")


def plural(french: str) -> str:
    """The regular French plural of a noun or adjective."""
    if french.endswith(("s", "x")):
        return french
    return french + ("x" if french.endswith("eau") else "s")


def entries(table: str) -> Iterator[tuple[list[str], list[str]]]:
    """The English and the French forms of each entry of a table."""
    for entry in table.split(","):
        english, french = entry.split()
        yield english.split("/"), french.replace("*", "").split("/")


@cache
def nouns() -> tuple[Noun, ...]:
    found = []
    for kind, tables in NOUNS.items():
        for gender, table in tables.items():
            for (one, *many), (un, *des) in entries(table):
                english = (one, many[0] if many else several(one))
                french = (un, des[0] if des else plural(un))
                found.append(Noun(english, french, gender == "f", kind))
    return tuple(found)


@cache
def adjectives() -> tuple[Adjective, ...]:
    found = []
    for is_before, tables in ((True, BEFORE), (False, AFTER)):
        for kinds, table in tables.items():
            for (english,), (one, *others) in entries(table):
                regular = one if one.endswith("e") else one + "e"
                her = others[0] if others else regular
                them = others[1] if len(others) > 1 else plural(one)
                forms = ((one, them), (her, plural(her)))
                found.append(Adjective(english, forms, is_before, kinds))
    return tuple(found)


def verbs(table: str, subjects: str = "", objects: str = "") -> list[Verb]:
    """The verbs of a table, all with the same subjects and objects."""
    found = []
    for (english,), french in entries(table):
        word, _, particle = english.partition("+")
        forms = tuple(french if len(french) > 1 else regular_forms(french[0]))
        found.append(Verb(word, particle, forms, subjects, objects))
    return found


def regular_forms(infinitive: str) -> list[str]:
    """Forms of a verb in -er: je mange, il mange, nous mangeons, ils mangent, manger."""
    stem = infinitive[:-2]
    soft = "e" if stem.endswith("g") else ""
    return [stem + "e", stem + "e", stem + soft + "ons", stem + "ent", infinitive]


@cache
def verbs_alone() -> tuple[Verb, ...]:
    return tuple(v for subjects, table in ALONE.items() for v in verbs(table, subjects))


@cache
def verbs_with(which: str) -> tuple[Verb, ...]:
    """Verbs that take an object: "object", "giving" or "moving"."""
    tables = {"object": WITH, "giving": GIVING, "moving": MOVING}[which]
    return tuple(v for (who, what), table in tables.items() for v in verbs(table, who, what))


@cache
def every_verb() -> tuple[Verb, ...]:
    with_object = [v for which in ("object", "giving", "moving") for v in verbs_with(which)]
    return (*verbs_alone(), *with_object, *verbs(MODAL), *verbs(BE), *verbs(HAVE))


@cache
def nouns_of(domain: str) -> tuple[Noun, ...]:
    """The nouns of a domain: kinds, and single nouns, with spaces between them."""
    wanted = domain.split()
    return tuple(n for n in nouns() if n.kind in wanted or n.english[0] in wanted)


@cache
def adjectives_of(kind: str, before: bool) -> tuple[Adjective, ...]:
    return tuple(a for a in adjectives() if a.is_before == before and kind in a.kinds.split())


@cache
def aspirated() -> frozenset[str]:
    """Words with an aspirated h: "le hibou", not "l'hibou"."""
    starred = [
        form.removeprefix("*")
        for tables in NOUNS.values()
        for table in tables.values()
        for form in table.replace(",", " ").split()
        if form.startswith("*")
    ]
    singles = {form.split("/")[0] for form in starred}
    return frozenset(singles | {n.french[1] for n in nouns() if n.french[0] in singles})


def is_elided_before(word: str) -> bool:
    """Whether "le", "de", "que" … lose their vowel in front of the French `word`."""
    if word.startswith("h"):
        return word not in aspirated()
    return word == "y" or word[0] in "aàâeéèêiîoôuœ"
