/// Words to fill templates with. Of each list a tokenizer has some as single tokens, space included.
enum Lexicon {
    private static func words(_ text: String) -> [String] { text.split(separator: " ").map { " " + $0 } }

    static let women = words(
        """
        Mary Anna Sarah Emma Laura Alice Julia Jane Susan Linda Karen Lisa Nancy Betty Helen Sandra Donna Carol Ruth \
        Sharon Michelle Jessica Amanda Melissa Rebecca Rachel Emily Olivia Sophia Grace Lily Claire Kate Anne Maria \
        Margaret Elizabeth Barbara Patricia Jennifer Martha Diana Victoria Charlotte Amy Eva Lucy Molly Rose Katie
        """)

    static let men = words(
        """
        John James Robert Michael William David Richard Thomas Charles Daniel Matthew Anthony Mark Paul Steven Andrew \
        George Edward Brian Kevin Jason Jeff Ryan Gary Eric Stephen Jonathan Larry Scott Frank Henry Peter Jack \
        Patrick Tom Bob Tim Adam Luke Max Simon Alan Bruce Carl Fred Harry Joe Ben Sam Oliver
        """)

    static let places = words("store garden restaurant school hospital office house station park market library beach")
    static let objects = words("ring kiss bone basketball computer necklace drink snack book letter gift key hat map")

    /// [A] and [B] are the names, in this order.
    static let indirectObjectTemplates = [
        "Then,[A] and[B] went to the{place}.{S2} gave a{object} to",
        "When[A] and[B] went to the{place},{S2} gave a{object} to",
        "After[A] and[B] went to the{place},{S2} gave a{object} to",
        "Then,[A] and[B] had a lot of fun at the{place}.{S2} gave a{object} to",
        "Then,[A] and[B] were working at the{place}.{S2} decided to give a{object} to",
        "Then,[A] and[B] were thinking about going to the{place}.{S2} wanted to give a{object} to",
        "Then,[A] and[B] had a long argument, and afterwards{S2} said to",
        "After[A] and[B] had an argument at the{place},{S2} gave a{object} to",
        "While[A] and[B] were working at the{place},{S2} gave a{object} to",
    ]

    static let events = words(
        """
        war siege reign campaign conflict dispute expedition project battle plague famine rebellion revolution \
        construction marriage career voyage trial empire alliance crisis strike treaty program tour
        """)

    /// Common, short, and of no order: what follows which is chance.
    static let words = words(
        """
        apple river table window music paper stone winter doctor yellow bridge garden silver mother engine forest \
        letter market number orange pencil summer ticket voice water bread cloud dance earth field glass heart island \
        knife light metal night ocean plant queen sugar train uncle valley wheel youth branch chair dream fruit horse
        """)

    /// Singular and plural.
    static let nouns = [
        "key", "author", "student", "teacher", "doctor", "driver", "farmer", "picture", "book", "letter", "house",
        "window", "door", "car", "tree", "dog", "cat", "bird", "horse", "boy", "girl", "friend", "brother", "sister",
        "writer", "artist", "lawyer", "officer", "soldier", "worker", "guest", "player", "manager", "king", "table",
        "chair", "bridge", "building", "ship", "train",
    ].map { (" " + $0, " " + $0 + "s") }
    static let (singularVerbs, pluralVerbs) = (words("is was has"), words("are were have"))

    /// Country, capital, language.
    static let countries = [
        ("France", "Paris", "French"), ("Germany", "Berlin", "German"), ("Italy", "Rome", "Italian"),
        ("Spain", "Madrid", "Spanish"), ("Portugal", "Lisbon", "Portuguese"), ("England", "London", "English"),
        ("Russia", "Moscow", "Russian"), ("China", "Beijing", "Chinese"), ("Japan", "Tokyo", "Japanese"),
        ("Egypt", "Cairo", "Arabic"), ("Greece", "Athens", "Greek"), ("Turkey", "Ankara", "Turkish"),
        ("Poland", "Warsaw", "Polish"), ("Sweden", "Stockholm", "Swedish"), ("Norway", "Oslo", "Norwegian"),
        ("Denmark", "Copenhagen", "Danish"), ("Finland", "Helsinki", "Finnish"), ("Hungary", "Budapest", "Hungarian"),
        ("Austria", "Vienna", "German"), ("Ireland", "Dublin", "English"), ("Iran", "Tehran", "Persian"),
        ("Iraq", "Baghdad", "Arabic"), ("Israel", "Jerusalem", "Hebrew"), ("Cuba", "Havana", "Spanish"),
        ("Peru", "Lima", "Spanish"), ("Chile", "Santiago", "Spanish"), ("Korea", "Seoul", "Korean"),
        ("Ukraine", "Kiev", "Ukrainian"), ("Syria", "Damascus", "Arabic"), ("Thailand", "Bangkok", "Thai"),
    ].map { (" " + $0, " " + $1, " " + $2) }

    static let pronounTemplates = [
        "So{name} is a really great friend, isn't", "{name} is such a good cook, isn't",
        "My friend{name} was very happy yesterday, because", "At the end of the day{name} went home, and there",
        "When the work was done,{name} said that",
    ]

    static let brackets = [(open: " (", close: ")"), (open: " [", close: "]"), (open: " {", close: "}")]
}
