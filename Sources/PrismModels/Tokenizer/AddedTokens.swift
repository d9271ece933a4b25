/// Tokens that are found in a text before anything else, wherever they stand: special ones, such as `<|im_end|>`, and
/// others that were added to a vocabulary.
///
/// At each place the longest one wins. Tokens that match normalised text are looked for after, and between, those that
/// match the raw text; so does Hugging Face `tokenizers`.
struct AddedTokens: Sendable {
    struct Token: Sendable {
        let text: String
        let id: Int32
        let isSpecial: Bool
        var matchesNormalised = false
        /// Whether white space before or after the token belongs to it.
        var stripsLeft = false
        var stripsRight = false

        /// What is looked for: the token's text, normalised if the text is.
        func sought(_ normaliser: Normaliser) -> [UInt8] {
            let bytes = Array(text.utf8)
            return matchesNormalised ? normaliser.normalised(bytes, isFirst: true) : bytes
        }
    }

    enum Stretch {
        case token(Int32)
        case text(Range<Int>)
    }

    let raw: Matcher
    let normalised: Matcher
    private let ids: [ExactString: Int32]

    /// - normaliser: what tokens that match normalised text go through themselves.
    init(_ tokens: [Token], _ normaliser: Normaliser = Normaliser()) {
        ids = Dictionary(tokens.map { (ExactString(string: $0.text), $0.id) }, uniquingKeysWith: { first, _ in first })
        func matcher(_ isNormalised: Bool) -> Matcher {
            Matcher(tokens.filter { $0.matchesNormalised == isNormalised }.map { ($0.sought(normaliser), $0) })
        }
        (raw, normalised) = (matcher(false), matcher(true))
    }

    func id(of text: String) -> Int32? { ids[ExactString(string: text)] }

    struct Matcher: Sendable {
        /// For each first byte the tokens that begin with it, longest first.
        private var byFirstByte = [[(bytes: [UInt8], token: Token)]](repeating: [], count: 256)
        private var isFirstByte = [Bool](repeating: false, count: 256)
        private var isEmpty = true

        init(_ tokens: [(bytes: [UInt8], token: Token)]) {
            for (bytes, token) in tokens.sorted(by: { $0.bytes.count > $1.bytes.count }) where !bytes.isEmpty {
                byFirstByte[Int(bytes[0])].append((bytes, token))
                isFirstByte[Int(bytes[0])] = true
                isEmpty = false
            }
        }

        /// Calls `body` with the range's stretches in order; texts are not empty.
        func forEachStretch(
            of text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, allowSpecial: Bool, _ body: (Stretch) -> Void
        ) {
            if isEmpty {
                if !range.isEmpty { body(.text(range)) }
                return
            }
            let classes = ScalarClass.Reader(text)
            var done = range.lowerBound
            var position = done
            while let (found, token) = next(in: text, position..<range.upperBound) {
                position = found.upperBound
                if token.isSpecial && !allowSpecial { continue }
                let start =
                    token.stripsLeft
                    ? classes.startOfRun(of: .space, before: found.lowerBound, from: done) : found.lowerBound
                if token.stripsRight {
                    position = classes.endOfRun(of: .space, from: position, end: range.upperBound)
                }
                if done < start { body(.text(done..<start)) }
                body(.token(token.id))
                done = position
            }
            if done < range.upperBound { body(.text(done..<range.upperBound)) }
        }

        private func next(in text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> (Range<Int>, Token)? {
            for start in range where isFirstByte[Int(text[start])] {
                for (bytes, token) in byFirstByte[Int(text[start])] where bytes.count <= range.upperBound - start {
                    if bytes.elementsEqual(UnsafeBufferPointer(rebasing: text[start..<start + bytes.count])) {
                        return (start..<start + bytes.count, token)
                    }
                }
            }
            return nil
        }
    }
}
