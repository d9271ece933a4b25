import PrismCore
import PrismModels
import PrismTensor
import Testing

/// Do models of written weights do what they were written for?
@Suite struct PlantedModelsTests {
    private func best(_ logits: Tensor, row: Int) -> Int {
        (0..<logits.rowWidth).max { logits[row][$0] < logits[row][$1] }!
    }

    @Test func inductionContinuesWhatItHasSeen() throws {
        var generator = SeededGenerator(seed: 3, stream: "sequences")
        for _ in 0..<20 {
            let half = (1..<Int32(PlantedInduction.vocabulary)).shuffled(using: &generator).prefix(7)
            let tokens = [0] + half + half
            let logits = try PlantedInduction.model.logits(Array(tokens))
            for position in 8..<14 { #expect(best(logits, row: position) == tokens[position + 1]) }
        }
    }

    @Test func namesWhoWasNamedOnce() throws {
        for a in 0..<Int32(PlantedNames.names) {
            for b in 0..<Int32(PlantedNames.names) where a != b {
                let pair = try PlantedNames.pair(a, b)
                for (prompt, answer) in [(pair.clean, a), (pair.corrupt, b)] {
                    #expect(best(try PlantedNames.model.logits(prompt), row: 5) == answer)
                }
            }
        }
    }

    @Test func computesEveryXOR() throws {
        for pair in 0..<PlantedXOR.pairs {
            for (a, b) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let logits = try PlantedXOR.model.logits([PlantedXOR.token(pair, a, b)])
                // Thirds are not exact in fp32.
                #expect(abs(logits[0][4 * pair + 1] - (a == b ? 0 : 1)) < 1e-6)
            }
        }
    }

    @Test func linesShareAtMostOnePoint() {
        for (i, a) in PlantedXOR.lines.enumerated() {
            #expect(Set(a).count == 3)
            for b in PlantedXOR.lines[..<i] { #expect(Set(a).intersection(b).count <= 1) }
        }
    }

    /// The true features of superposed neurons are read without error, though neurons are half as many.
    @Test func featuresOfSuperposedNeuronsAreReadExactly() throws {
        let tokens = (0..<Int32(4 * PlantedXOR.pairs)).map { [$0] }
        let hook = PlantedXOR.features.reads
        let neurons = try PlantedXOR.model.run(ForwardRequest(contexts: tokens, capture: [hook]))[hook]
        let dictionary = PlantedXOR.features.dictionary
        let codes = dictionary.encode(neurons)
        let back = Tensor(shape: neurons.shape)
        dictionary.decode(codes, into: back)
        for token in 0..<tokens.count {
            let (pair, sum) = (token / 4, (token & 1) + (token >> 1 & 1))
            let expected = (sum > 0 ? [pair] : []) + (sum == 2 ? [PlantedXOR.pairs + pair] : [])
            #expect(codes[token].map(\.latent) == expected)
        }
        for i in 0..<back.count { #expect(abs(back.data[i] - neurons.data[i]) < 1e-6) }
    }
}
