import Foundation

/// Strings of random characters, such as base64, by the log-likelihood ratio of Bricken et al. 2023 (Towards
/// Monosemanticity).
///
/// For a token t whose n characters all lie in an alphabet of size A, log P(t | alphabet) = −n log A; P(t) is the token's
/// frequency in the text. A token's score is the largest log-likelihood ratio of all stretches that end with it:
///
///     s ← max(0, s + log P(t | alphabet) − log P(t)), at most `EvidenceSums.ceiling`
///
/// A token with any other character ends the stretch. Common words come out below 0, but `add` and `cat` are short, so a
/// stretch counts only once it has a minimum length and a character of each kind that chance would hardly leave out.
struct Alphabets: ConceptFamily {
    struct Alphabet {
        let concept: Concept
        let characters: String
        /// Characters that count as one: twice 4 letters of DNA, in capitals and not, are 4.
        let size: Int
        let minimumLength: Int
        /// The first tokens of a string are like any others; it is seen for one above this, in nats.
        var threshold: Float = 8
        /// A stretch holds some of each; of DNA each letter in one of its cases.
        let kinds: [String]
    }

    static let digits = "0123456789"
    static let capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

    static let all = [
        Alphabet(
            concept: Concept(
                "alphabet", "base64", "Inside a string of 16 or more random letters, digits, + and /; score in nats."),
            characters: capitals + capitals.lowercased() + digits + "+/=", size: 64, minimumLength: 16,
            kinds: [capitals, capitals.lowercased(), digits]),
        Alphabet(
            concept: Concept(
                "alphabet", "hexadecimal", "Inside a string of 8 or more random digits and letters a–f; score in nats."),
            characters: digits + "abcdefABCDEF", size: 16, minimumLength: 8, kinds: [digits, "abcdefABCDEF"]),
        Alphabet(
            concept: Concept(
                "alphabet", "DNA", "Inside a string of 10 or more letters A, C, G and T in random order; score in nats."
            ),
            characters: "ACGTacgt", size: 4, minimumLength: 10, kinds: ["Aa", "Cc", "Gg", "Tt"]),
        Alphabet(
            concept: Concept(
                "alphabet", "digits", "Inside a string of 8 or more random decimal digits; score in nats."),
            characters: digits, size: 10, minimumLength: 8, threshold: 4, kinds: [digits]),
    ]

    var concepts: [Concept] { Self.all.map(\.concept) }

    func detector(for text: ObservedText) -> any Detector { AlphabetDetector(text) }
}

private struct AlphabetDetector: Detector {
    let concepts = Alphabets().concepts
    /// log P(t), with half an occurrence added to each token of the vocabulary.
    private let logFrequency: [Float]
    /// For each alphabet and byte: a bit for each of its kinds, after one for all of its characters.
    private let kindsOfByte: [[UInt8]]

    init(_ text: ObservedText) {
        let vocabulary = text.tokenizer.vocabularyCount
        var counts = [Float](repeating: 0.5, count: vocabulary)
        for (id, count) in text.counts { counts[Int(id)] += Float(count) }
        let total = Float(text.total) + 0.5 * Float(vocabulary)
        logFrequency = counts.map { log($0 / total) }
        kindsOfByte = Alphabets.all.map { alphabet in
            var kinds = [UInt8](repeating: 0, count: 256)
            for (bit, characters) in ([alphabet.characters] + alphabet.kinds).enumerated() {
                for byte in characters.utf8 { kinds[Int(byte)] |= 1 << bit }
            }
            return kinds
        }
    }

    func score(_ text: ContextText, _ scores: Scores) {
        for (column, alphabet) in Alphabets.all.enumerated() {
            let kindsOfByte = kindsOfByte[column]
            let costOfCharacter = log(Float(alphabet.size))
            let allKinds: UInt8 = 2 << alphabet.kinds.count - 1
            var (sum, length, kinds): (Float, Int, UInt8) = (0, 0, 0)
            for (token, range) in text.tokens.enumerated() {
                let isInside = !range.isEmpty && text.bytes[range].allSatisfy { kindsOfByte[Int($0)] != 0 }
                if isInside {
                    sum -= Float(range.count) * costOfCharacter + logFrequency[Int(text.context.tokens[token])]
                }
                guard isInside, sum > 0 else {
                    (sum, length, kinds) = (0, 0, 0)
                    continue
                }
                sum = min(sum, EvidenceSums.ceiling)
                length += range.count
                for byte in text.bytes[range] { kinds |= kindsOfByte[Int(byte)] }
                if sum >= alphabet.threshold, length >= alphabet.minimumLength, kinds == allKinds {
                    scores[token, column] = sum
                }
            }
        }
    }
}
