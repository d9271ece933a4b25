import Foundation

/// What is done to each stretch of text between added tokens before it is cut into pieces, step by step.
struct Normaliser: Sendable {
    enum Step: Sendable {
        case form(Form)
        case map(CharacterMap)
        case replace([UInt8], with: [UInt8])
        /// Puts bytes before a text that is not empty. - unlessThere: leaves a text alone that begins with them.
        /// - onlyFirst: leaves all stretches but the one at the text's beginning alone.
        case prefix([UInt8], unlessThere: Bool = false, onlyFirst: Bool = false)
        /// Takes white space away.
        case strip(left: Bool, right: Bool)
        /// Takes spaces away at both ends, and all but one of a run: SentencePiece's `remove_extra_whitespaces`.
        case collapseSpaces
    }

    /// Unicode's normalisation forms (UAX 15).
    enum Form: String, Sendable {
        case c = "NFC"
        case d = "NFD"
        case kc = "NFKC"
        case kd = "NFKD"
    }

    var steps: [Step] = []

    /// Lends `body` the normalised text; does not call it if nothing is left. Without steps nothing is copied.
    /// - isFirst: whether the stretch begins the whole text.
    func withNormalised(
        _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, isFirst: Bool,
        _ body: (UnsafeBufferPointer<UInt8>, Range<Int>) -> Void
    ) {
        if steps.isEmpty { return body(text, range) }
        let result = normalised(Array(text[range]), isFirst: isFirst)
        if !result.isEmpty { result.withUnsafeBufferPointer { body($0, $0.indices) } }
    }

    func normalised(_ text: [UInt8], isFirst: Bool) -> [UInt8] {
        var text = text
        for step in steps {
            switch step {
            case .form(let form): form.apply(to: &text)
            case .map(let map): text = map.mapped(text)
            case .replace(let pattern, let replacement): text = text.withAll(pattern, replacedBy: replacement)
            case .prefix(let prefix, let unlessThere, let onlyFirst):
                if text.isEmpty || onlyFirst && !isFirst || unlessThere && text.starts(with: prefix) { continue }
                text.insert(contentsOf: prefix, at: 0)
            case .strip(let left, let right): text.strip(left: left, right: right)
            case .collapseSpaces: text.collapseSpaces()
            }
        }
        return text
    }
}

extension Normaliser.Form {
    fileprivate func apply(to text: inout [UInt8]) {
        // Below U+0300 nothing composes, and most text lies below; the other forms change some of Latin-1 too.
        let limit: UInt8 = self == .c ? 0xcc : 0x80
        if text.allSatisfy({ $0 < limit }) { return }
        let string = String(decoding: text, as: UTF8.self)
        let result =
            switch self {
            case .c: string.precomposedStringWithCanonicalMapping
            case .d: string.decomposedStringWithCanonicalMapping
            case .kc: string.precomposedStringWithCompatibilityMapping
            case .kd: string.decomposedStringWithCompatibilityMapping
            }
        text = Array(result.utf8)
    }
}

extension [UInt8] {
    /// - pattern: not empty.
    func withAll(_ pattern: [UInt8], replacedBy replacement: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count + count / 4)
        var position = 0
        while position < count {
            if self[position] == pattern[0], self[position...].starts(with: pattern) {
                result += replacement
                position += pattern.count
            } else {
                result.append(self[position])
                position += 1
            }
        }
        return result
    }

    fileprivate mutating func strip(left: Bool, right: Bool) {
        let range = withUnsafeBufferPointer { text in
            let classes = ScalarClass.Reader(text)
            let start = left ? classes.endOfRun(of: .space, from: 0, end: text.count) : 0
            return start..<(right ? classes.startOfRun(of: .space, before: text.count, from: start) : text.count)
        }
        self = Array(self[range])
    }

    fileprivate mutating func collapseSpaces() {
        let space = UInt8(ascii: " ")
        var result: [UInt8] = []
        for byte in self where byte != space || !(result.isEmpty || result.last == space) { result.append(byte) }
        // As sentencepiece does: at the end it takes a mark in the text itself for a space.
        while result.last == space || result.suffix(3).elementsEqual(SpaceMark.bytes) {
            result.removeLast(result.last == space ? 1 : 3)
        }
        self = result
    }
}
