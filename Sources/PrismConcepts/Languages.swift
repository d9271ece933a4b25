import Foundation
import PrismCore

/// Languages, by their function words, letters and scripts; a token belongs to one at most.
///
/// `Evidence` adds up over the context's words, and over those of a word's letters that are not common to all. A word's
/// script is evidence too: log P(script | language) − log P(script), with Latin for text of no language, and
/// `otherScript` for languages that are not written in it. Words that no language lists are rarer in running text than in
/// names and code: `unlisted`, as are `symbols`. A token has the score that its language has after the token's word.
struct Languages: UntaughtDetector {
    struct Language {
        let name: String
        var scripts = ["Latin"]
        var words = ""
        /// Letters beyond a–z that the language uses and some other of its script does not.
        var letters = ""
    }

    static let all = [
        Language(
            name: "Catalan",
            words: """
                el la els les de del dels en un una que per amb no es és són al als com més aquest aquesta pot
                també seva
                """,
            letters: "àçèéíïòóúü·"),
        Language(
            name: "Czech",
            words: """
                na se je že to do pro jako ale nebo by pokud jsou které který při není tak lze ve
                """,
            letters: "áčďéěíňóřšťúůýž"),
        Language(
            name: "German",
            words: """
                der die das und ist nicht ein eine zu den mit von sie auf für im in dem des sich werden auch
                wird oder kann
                """,
            letters: "äöüß"),
        Language(
            name: "English",
            words: """
                the of and to in is that for it with as was on be by this are not you or from an which have but
                he his
                """),
        Language(
            name: "Spanish",
            words: """
                el la los las de del en un una que para con no se por es su lo como más al este puede si
                """,
            letters: "áéíñóúü¿¡"),
        Language(
            name: "French",
            words: """
                le la les de des du et est un une pour dans que qui vous pas sur au ne avec par ce sont plus ou
                il
                """,
            letters: "àâçèéêëîïôùûœ"),
        Language(
            name: "Indonesian",
            words: """
                yang dan di dari untuk dengan ini itu pada tidak adalah dalam akan atau anda ke oleh dapat juga
                jika bisa ada
                """),
        Language(
            name: "Italian",
            words: """
                il la le di del della in un una che per con non si è da gli sono al nel più come questo
                """,
            letters: "àèéìòù"),
        Language(
            name: "Norwegian",
            words: """
                og å det som en er på av for med til den ikke om et har de kan eller du så fra ved hvis men
                """,
            letters: "åæø"),
        Language(
            name: "Dutch",
            words: """
                de het een en van is dat niet in op te voor met zijn aan er ook of bij door worden wordt als
                naar deze
                """,
            letters: "ëï"),
        Language(
            name: "Polish",
            words: """
                na do nie się że jest to jak po lub dla od przez są co tym ale aby można za ze jego
                """,
            letters: "ąćęłńóśźż"),
        Language(
            name: "Portuguese",
            words: """
                os as de do da dos das em um uma que para com não se por é na no ao mais como você
                """,
            letters: "áâãàçéêíóôõú"),
        Language(
            name: "Swedish",
            words: """
                och att det som en är på av för med till den inte om ett har de kan eller du så från när
                """,
            letters: "åäö"),
        Language(
            name: "Turkish",
            words: """
                ve bir bu için ile de da olarak olan gibi daha çok ya ne veya değil olduğu kadar sonra en
                """,
            letters: "çğıöşüâ"),
        Language(
            name: "Vietnamese",
            words: """
                và của là các có cho không được một với trong này để khi bạn những từ người ra đã sẽ
                """,
            letters: """
                ăâđêôơưàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờ
                ớởỡợùúủũụừứửữựỳýỷỹỵ
                """),
        Language(
            name: "Finnish",
            words: """
                ja on ei että se joka tai kun niin voit voi mutta myös sen ovat jos tämä sitä olla kuin ole
                """,
            letters: "äö"),
        Language(
            name: "Hungarian",
            words: """
                az és hogy nem is egy ez van meg csak de vagy ha ki fel mint el kell lehet ezt
                """,
            letters: "áéíóöőúüű"),
        Language(
            name: "Russian", scripts: ["Cyrillic"],
            words: """
                и в не на что с по для это как из или но к если от его вы так можно быть при все только этого
                будет также чтобы вы мы есть этот системы
                """,
            letters: "ыэъёйщяюь"),
        Language(
            name: "Ukrainian", scripts: ["Cyrillic"],
            words: """
                і в не на що з для це як та або але до якщо від його ви так можна бути при у вам цього щоб буде
                лише після
                """,
            letters: "іїєґйщяюь"),
        Language(
            name: "Serbian", scripts: ["Cyrillic"],
            words: """
                и у је да на се са за не од или као су који би то ако ћете из што
                """,
            letters: "јљњћђџ"),
        Language(name: "Greek", scripts: ["Greek"]),
        Language(name: "Hebrew", scripts: ["Hebrew"]),
        Language(
            name: "Arabic", scripts: ["Arabic"],
            words: """
                في من على إلى أن هذا هذه التي الذي ما لا أو مع كل عن هو هي كان ذلك
                """,
            letters: "ةىأإئيك"),
        Language(
            name: "Persian", scripts: ["Arabic"],
            words: """
                و در به از که این را با است برای آن یک می شود ها تا شما نیز هر
                """,
            letters: "پچژگکی"),
        Language(name: "Hindi", scripts: ["Devanagari"]),
        Language(name: "Korean", scripts: ["Hangul"]),
        Language(name: "Japanese", scripts: ["Hiragana", "Katakana", "Han"]),
        Language(
            name: "Chinese (simplified)", scripts: ["Han"],
            letters: """
                的是不了我你他她它也都就很这们个为时说对过发还进动开没现应样长门问间东车让请读谁从据将吗么无两书
                买产写几则办单图处头岁带并库录总执换择报标档机条构检欢气汉测电监盘码离称级线组细结给统续网联脑虽
                装规视认议记设许证词试话该详语误负责质费资软载输达运连适选释错键阅难页项须预题风验变
                """),
        Language(
            name: "Chinese (traditional)", scripts: ["Han"],
            letters: """
                的是不了我你他她它也都就很這們為來說對會國學發經還關沒實應樣讓讀與從數據點將嗎於當麼萬兩寫辦區單
                號圖聲處寶歲帶並錄總戶換擇檢歡氣狀稱聯腦雖裝證譯釋鍵閱驗變體檔擴寬圍舊獨盡
                """),
    ]
    /// In nats: what a word says of a language that is not written in its script, a word that no language lists, and a sign
    /// of code, of all languages.
    static let otherScript: Float = -6
    static let (unlisted, symbols): (Float, Float) = (-0.4, -0.4)

    let concepts = all.map {
        Concept("language", $0.name, "Inside \($0.name) text, judged by the context up to here; score in nats.")
    }
    // Function words make some 40% of a text, so that each of 20 is one word in 55.
    private let words = Evidence(
        all.map { $0.words.split(whereSeparator: \.isWhitespace).map(String.init) }, probability: 0.018, elsewhere: 1e-4
    )
    private let letters = Evidence(
        all.map { $0.letters.unicodeScalars.filter { !$0.properties.isWhitespace }.map(\.value) }, probability: 0.03,
        elsewhere: 3e-4)
    /// Languages written in each script, [scripts, languages], and what a word in it says of each.
    private let isWritten: [[Bool]]
    private let ofScript: [[Float]]

    init() {
        isWritten = Scripts.all.map { script in Self.all.map { $0.scripts.contains(script.name) } }
        ofScript = isWritten.enumerated().map { script, isWritten in
            let share = Float(isWritten.count { $0 }) / Float(isWritten.count)
            let frequency = (share + (script == 0 ? 1 : 0)) / 2
            return isWritten.map { $0 ? -log(frequency) : Self.otherScript }
        }
    }

    func score(_ text: ContextText, _ scores: Scores) {
        var sums = EvidenceSums(classes: concepts.count)
        var labels = ClassLabels(text, scores, classes: concepts.count)
        var end = 0
        forEachWord(text.characters) { range, script in
            for character in text.characters[end..<range.lowerBound] where Self.isSymbol(character.scalar) {
                sums.add(Self.symbols)
            }
            sums.add(ofScript[script])
            let word = Self.lowercased(text.characters[range])
            if let ratios = words[word], !isPartOfName(range, text.characters) {
                sums.add(ratios)
            } else {
                sums.add(Self.unlisted)
            }
            for letter in word.unicodeScalars where letter.value >= 0x80 {
                if let ratios = letters[letter.value] { sums.add(ratios) }
            }
            let bytes =
                text.characters[range.lowerBound].range
                .lowerBound..<text.characters[range.upperBound - 1].range.upperBound
            labels.append(bytes, sums.winner.flatMap { isWritten[script][$0] ? $0 : nil }, sums)
            end = range.upperBound
        }
        labels.finish()
    }

    /// Runs of letters of one script, with marks on them; a character of Chinese or kana is a word.
    private func forEachWord(_ characters: [UTF8Piece], _ body: (Range<Int>, _ script: Int) -> Void) {
        var start = 0
        while start < characters.count {
            guard let script = characters[start].scalar.flatMap(Scripts.script) else {
                start += 1
                continue
            }
            var end = start + 1
            if !Self.isSyllabic[script] {
                while end < characters.count, let scalar = characters[end].scalar, Scripts.script(of: scalar) == script
                {
                    end += 1
                }
            }
            body(start..<end, script)
            start = end
        }
    }

    /// Letters beside digits or underscores are no word, but a part of a name in code.
    private func isPartOfName(_ range: Range<Int>, _ characters: [UTF8Piece]) -> Bool {
        [range.lowerBound - 1, range.upperBound].contains { index in
            guard characters.indices.contains(index), let scalar = characters[index].scalar else { return false }
            return scalar == "_" || (0x30...0x39).contains(scalar.value)
        }
    }

    private static let isSyllabic = Scripts.all.map { ["Han", "Hiragana", "Katakana"].contains($0.name) }

    /// Signs that running text has few of and code many.
    private static func isSymbol(_ scalar: Unicode.Scalar?) -> Bool {
        switch scalar {
        case "=", "{", "}", "<", ">", "_", "$", "#", "&", "*", "|", "\\", "/", "[", "]", "+", "~", "^", "@", "%", ";":
            true
        default: false
        }
    }

    private static func lowercased(_ letters: ArraySlice<UTF8Piece>) -> String {
        var result = String.UnicodeScalarView()
        for case let scalar? in letters.lazy.map(\.scalar) {
            if scalar.isASCII {
                result.append(Unicode.Scalar(UInt8(scalar.value) | 0x20))
            } else {
                result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            }
        }
        return String(result)
    }
}
