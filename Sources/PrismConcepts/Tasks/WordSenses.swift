/// Words that mean one thing in English prose and another elsewhere.
enum WordSenses {
    private static let table: [(other: String, words: String)] = [
        (
            "code",
            """
            return class import string table while for if else try end do use let print function static new public private
            this object type value list set key file error break case switch match default true false range map form body
            head title style script link label option select button include define void char long short double string in is
            not and or with from as
            """
        ),
        ("German", "die war was hat also man am so an in will bald fast gift rot hut rat arm"),
        ("Dutch", "die was of man met over door is in den had want"),
        ("French", "on pour main chat pain but sale son or as an fin coin"),
        ("Spanish", "son con red come sin me he once"),
        ("Portuguese", "as do no me dome come sem fins"),
        ("Italian", "come sole more fine dove me"),
        ("Swedish", "man den fast barn glass hand also bra"),
        ("Indonesian", "air dari main akan"),
        ("Turkish", "an on but in ay"),
    ]

    static let all: [(word: String, other: String)] = table.flatMap { other, words in
        words.split { $0 == " " || $0 == "\n" }.map { (String($0), other) }
    }
}
