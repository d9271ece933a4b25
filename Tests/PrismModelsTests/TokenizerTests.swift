import Foundation
import PrismCore
import PrismFormats
import PrismModels
import PrismTestSupport
import Testing

/// A case of the goldens: what `tokenizers` makes of a text.
struct TokenizerCase: Decodable {
    let text: String?
    let bytes: Data?
    let ids: [Int32]
    let plain: [Int32]?
    let decoded: String?

    func check(_ tokenizer: Tokenizer) {
        let input = text ?? String(decoding: bytes!, as: UTF8.self)
        let ids = bytes.map { tokenizer.encode(bytes: $0) } ?? tokenizer.encode(input)
        #expect(ids == self.ids, "\(input.debugDescription)")
        #expect(tokenizer.encode(input, allowSpecial: false) == plain ?? self.ids, "\(input.debugDescription)")
        // Bytes, not `==`: composed and decomposed characters must stay what they were.
        #expect(Array(tokenizer.decode(self.ids).utf8) == Array((decoded ?? input).utf8), "\(input.debugDescription)")
    }
}

@Suite struct TokenizerTests {
    struct Goldens: Decodable { let cases: [TokenizerCase] }

    @Test func realModelAgreesWithTheReference() throws {
        let goldens = try JSONDecoder().decode(
            Goldens.self, from: Data(contentsOf: golden("PrismModelsTests", "smollm2.json")))
        #expect(goldens.cases.count > 500)
        let tokenizer = try Tokenizer(GGUFFile(realModel()))
        for test in goldens.cases { test.check(tokenizer) }
        // Once more, now with remembered pieces.
        for test in goldens.cases { test.check(tokenizer) }
    }

    @Test func realModelsFacts() throws {
        let tokenizer = try Tokenizer(GGUFFile(realModel()))
        #expect(tokenizer.vocabularyCount == 49152)
        #expect(tokenizer.bosID == 1 && tokenizer.eosID == 2 && !tokenizer.addsBOS)
        #expect(tokenizer.id(ofAdded: "<|im_start|>") == 1 && tokenizer.id(ofAdded: "<|im") == nil)
        #expect(tokenizer.text(of: 1) == "<|im_start|>")
        #expect(tokenizer.text(of: 253) == " a")
        #expect(tokenizer.text(of: 321) == "\\xE2\\x80")
        #expect(tokenizer.bytes(of: 321) == Data([0xe2, 0x80]))
        #expect(tokenizer.decode([-1, 49152, .max, 81]) == "a" && tokenizer.text(of: -1).isEmpty)
    }

    /// A piece of one letter, a million times: quadratic merging would take hours.
    @Test func longPiecesAreFast() throws {
        let tokenizer = try Tokenizer(GGUFFile(realModel()))
        for letter in ["a", "=", "😀", " "] {
            let text = String(repeating: letter, count: 1_000_000)
            let time = ContinuousClock().measure { #expect(tokenizer.decode(tokenizer.encode(text)) == text) }
            #expect(time < .seconds(120), "\(letter): \(time)")
        }
    }

    @Test func severalThreadsAgree() async throws {
        let tokenizer = try Tokenizer(GGUFFile(realModel()))
        let text = try String(
            contentsOf: packageRoot.appending(path: "Scripts/goldens/tokenizer_goldens.py"), encoding: .utf8)
        let expected = tokenizer.encode(text)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<16 { group.addTask { tokenizer.encode(text) == expected } }
            for await isEqual in group { #expect(isEqual) }
        }
    }

    /// This vocabulary has all bytes; those that one lacks are dropped, as the goldens show.
    @Test func randomBytesRoundTrip() throws {
        let tokenizer = try Tokenizer(json: golden("PrismModelsTests", "tiny-digits.json"))
        var generator = SeededGenerator(seed: 3, stream: "bytes")
        for _ in 0..<2000 {
            let bytes = Data(
                (0..<Int.random(in: 0...40, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator)
                })
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(Array(tokenizer.decode(tokenizer.encode(bytes: bytes)).utf8) == Array(text.utf8))
        }
    }

    /// The splitters that are scanners against their patterns as regular expressions.
    @Test func scannersAgreeWithTheExpressions() throws {
        let goldens = try JSONDecoder().decode(
            Goldens.self, from: Data(contentsOf: golden("PrismModelsTests", "smollm2.json")))
        let llama3 = [1, 2, 3].map(Llama3Splitter.init)
        let scanners: [(any PieceSplitter, String)] =
            [(GPT2Splitter(), GPT2Splitter.pattern)] + llama3.map { ($0, $0.pattern) }
        let special = [
            "'S 'T'Re'VE 'lL'D'm", "'\u{17f}x'\u{17f}", "'", "a'", "'r", " \r\n a\t\u{a0}b  1234 5\n",
            "(a) (1) .\r\n\n x",
        ]
        for (scanner, pattern) in scanners {
            let regex = try RegexSplitter(pattern, file: FileBytes(Data(), name: "pattern"))
            for var text in goldens.cases.map({ $0.text ?? String(decoding: $0.bytes!, as: UTF8.self) }) + special {
                text.withUTF8 { bytes in
                    var (one, two): ([Range<Int>], [Range<Int>]) = ([], [])
                    scanner.split(bytes, 0..<bytes.count) { one.append($0) }
                    regex.split(bytes, 0..<bytes.count) { two.append($0) }
                    #expect(one == two, "\(pattern): \(String(decoding: bytes, as: UTF8.self).debugDescription)")
                }
            }
        }
    }

    /// Characters may differ only where one side knows a newer Unicode version than the other: unassigned there.
    @Test func charactersAreClassifiedAsByTheReference() throws {
        struct Classes: Decodable { let classes: [String: [[UInt32]]] }
        let golden = try JSONDecoder().decode(
            Classes.self, from: Data(contentsOf: golden("PrismModelsTests", "classes.json")))
        var reference: [UInt32: ScalarClass] = [:]
        for (name, kind) in ["letter": ScalarClass.letter, "number": .number, "space": .space] {
            for range in golden.classes[name]! { for code in range[0]...range[1] { reference[code] = kind } }
        }
        var differing = 0
        for code in (0...0x10ffff as ClosedRange<UInt32>) {
            guard let scalar = Unicode.Scalar(code) else { continue }
            let (mine, theirs) = (ScalarClass(scalar), reference[code] ?? .other)
            if mine != theirs {
                #expect(theirs == .other || mine == .other, "U+\(String(code, radix: 16))")
                differing += 1
            }
        }
        print("characters classified differently: \(differing)")
        #expect(differing < 20_000)
    }

    /// Merging in a heap against the definition, on random merges that often compete.
    @Test func mergingIsAsDefined() {
        var generator = SeededGenerator(seed: 4, stream: "merges")
        for _ in 0..<200 {
            var texts = ["a", "b", "c"]
            var merges: [BytePairEncoder.Merge] = []
            for _ in 0..<30 {
                let (left, right) = (
                    texts.indices.randomElement(using: &generator)!, texts.indices.randomElement(using: &generator)!
                )
                guard !texts.contains(texts[left] + texts[right]) else { continue }
                merges.append(
                    .init(
                        left: Int32(left), right: Int32(right), merged: Int32(texts.count), rank: Int32(merges.count)))
                texts.append(texts[left] + texts[right])
            }
            let byteIDs = (0..<256).map { Int32((97...99).contains($0) ? $0 - 97 : -1) }
            let encoder = BytePairEncoder(alphabet: SymbolAlphabet(bytes: byteIDs), merges: merges)
            for length in [0, 1, 2, 7, 31, 40, 200] {
                let piece = (0..<length).map { _ in UInt8.random(in: 97...99, using: &generator) }
                var ids: [Int32] = []
                encoder.withScratch { encode in piece.withUnsafeBufferPointer { encode($0, 0..<$0.count, &ids) } }
                #expect(ids == naive(piece.map { Int32($0) - 97 }, merges))
            }
        }
    }

    func naive(_ symbols: [Int32], _ merges: [BytePairEncoder.Merge]) -> [Int32] {
        var symbols = symbols
        func rank(_ i: Int) -> Int { merges.firstIndex { $0.left == symbols[i] && $0.right == symbols[i + 1] } ?? .max }
        while let best = symbols.indices.dropLast().min(by: { rank($0) < rank($1) }), rank(best) < .max {
            symbols.replaceSubrange(best...best + 1, with: [merges[rank(best)].merged])
        }
        return symbols
    }
}
