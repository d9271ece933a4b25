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
        let goldens = try JSONDecoder().decode(Goldens.self, from: Data(contentsOf: golden("PrismModelsTests", "smollm2.json")))
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
            #expect(time < .seconds(20), "\(letter): \(time)")
        }
    }

    @Test func severalThreadsAgree() async throws {
        let tokenizer = try Tokenizer(GGUFFile(realModel()))
        let text = try String(contentsOf: packageRoot.appending(path: "Scripts/goldens/tokenizer_goldens.py"), encoding: .utf8)
        let expected = tokenizer.encode(text)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<16 { group.addTask { tokenizer.encode(text) == expected } }
            for await isEqual in group { #expect(isEqual) }
        }
    }

    /// Which bytes the vocabulary lacks is dropped, as the reference does; all others come back.
    @Test func randomBytesRoundTrip() throws {
        let tokenizer = try Tokenizer(json: golden("PrismModelsTests", "tiny-digits.json"))
        var generator = SeededGenerator(seed: 3, stream: "bytes")
        for _ in 0..<2000 {
            let bytes = Data((0..<Int.random(in: 0...40, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) })
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(Array(tokenizer.decode(tokenizer.encode(bytes: bytes)).utf8) == Array(text.utf8))
        }
    }

    /// GPT-2's own splitting by scanner and by regular expression.
    @Test func scannerAgreesWithTheExpression() throws {
        let goldens = try JSONDecoder().decode(Goldens.self, from: Data(contentsOf: golden("PrismModelsTests", "smollm2.json")))
        let regex = try RegexSplitter(GPT2Splitter.pattern, file: FileBytes(Data(), name: "pattern"))
        for test in goldens.cases {
            var text = test.text ?? String(decoding: test.bytes!, as: UTF8.self)
            text.withUTF8 { bytes in
                var (one, two): ([Range<Int>], [Range<Int>]) = ([], [])
                GPT2Splitter().split(bytes, 0..<bytes.count) { one.append($0) }
                regex.split(bytes, 0..<bytes.count) { two.append($0) }
                #expect(one == two, "\(test.text.debugDescription)")
            }
        }
    }

    /// Characters may differ only where one side knows a newer Unicode version than the other: unassigned there.
    @Test func charactersAreClassifiedAsByTheReference() throws {
        struct Classes: Decodable { let classes: [String: [[UInt32]]] }
        let golden = try JSONDecoder().decode(Classes.self, from: Data(contentsOf: golden("PrismModelsTests", "classes.json")))
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
}
