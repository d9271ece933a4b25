/// Tokens that are found in a text before anything else, wherever they stand: special ones, such as `<|im_end|>`, and others
/// that were added to a vocabulary.
///
/// At each place the longest one wins. Tokens that match normalised text are looked for after, and between, those that match
/// the raw text; so does Hugging Face `tokenizers`.
struct AddedTokens: Sendable {
    struct Token: Sendable {
        let text: String
        let id: Int32
        let isSpecial: Bool
        var matchesNormalised = false
    }

    enum Stretch {
        case token(Int32)
        case text(Range<Int>)
    }

    private let ids: [ExactString: Int32]
    private let passes: [Matcher]

    init(_ tokens: [Token]) {
        ids = Dictionary(tokens.map { (ExactString(string: $0.text), $0.id) }, uniquingKeysWith: { first, _ in first })
        passes = [false, true].map { normalised in tokens.filter { $0.matchesNormalised == normalised && !$0.text.isEmpty } }
            .filter { !$0.isEmpty }.map(Matcher.init)
    }

    func id(of text: String) -> Int32? { ids[ExactString(string: text)] }

    /// Calls `body` with the text's stretches in order; texts are not empty.
    func forEachStretch(of text: UnsafeBufferPointer<UInt8>, allowSpecial: Bool, _ body: (Stretch) -> Void) {
        walk(text, 0..<text.count, passes[...], allowSpecial, body)
    }

    private func walk(
        _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ passes: ArraySlice<Matcher>, _ allowSpecial: Bool, _ body: (Stretch) -> Void
    ) {
        guard let matcher = passes.first else {
            if !range.isEmpty { body(.text(range)) }
            return
        }
        var done = range.lowerBound
        var position = done
        while let (found, token) = matcher.next(in: text, position..<range.upperBound) {
            position = found.upperBound
            if token.isSpecial && !allowSpecial { continue }
            walk(text, done..<found.lowerBound, passes.dropFirst(), allowSpecial, body)
            body(.token(token.id))
            done = position
        }
        walk(text, done..<range.upperBound, passes.dropFirst(), allowSpecial, body)
    }

    private struct Matcher: Sendable {
        /// For each first byte the tokens that begin with it, longest first.
        private var byFirstByte = [[(bytes: [UInt8], token: Token)]](repeating: [], count: 256)
        private var isFirstByte = [Bool](repeating: false, count: 256)

        init(_ tokens: [Token]) {
            for token in tokens.sorted(by: { $0.text.utf8.count > $1.text.utf8.count }) {
                let bytes = Array(token.text.utf8)
                byFirstByte[Int(bytes[0])].append((bytes, token))
                isFirstByte[Int(bytes[0])] = true
            }
        }

        func next(in text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> (Range<Int>, Token)? {
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
