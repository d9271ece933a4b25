import Foundation
import PrismCore
import PrismFormats
import PrismModels
import PrismTensor
import Testing

/// The Llama family against Hugging Face transformers, in each of the layouts it is loaded from.
@Suite struct LlamaTests {
    struct Golden: Decodable {
        let contexts: [[Int32]]
    }

    /// Both sides work in fp32 on activations below about 30; the reference backend sums in fp64, torch in fp32, whose error
    /// over three layers stays near 1e-6.
    static let tolerance: Float = 1e-5

    @Test(arguments: [
        ("tiny-llama", "tiny-llama"), ("tiny-llama-tied", "tiny-llama-tied"), ("tiny-llama-sharded", "tiny-llama"),
        ("tiny-llama.gguf", "tiny-llama"),
    ])
    func everyHookPointAndTheLogitsAgreeWithTheReference(name: String, golden: String) throws {
        for backend in [ReferenceBackend(), CPUBackend()] as [any Backend] { try check(name, golden, backend) }
    }

    private func check(_ name: String, _ golden: String, _ backend: any Backend) throws {
        let folder = goldens.appending(path: golden)
        let contexts = try JSONDecoder().decode(Golden.self, from: Files.read(folder.appending(path: "goldens.json")))
            .contexts
        let expected = try SafetensorsFile(folder.appending(path: "goldens.safetensors"))
        let model = try Tiny.model(name, backend: backend)
        let hooks = Tiny.hooks(layers: model.configuration.layerCount).filter { expected.shape(of: $0.name) != nil }
        #expect(Set(hooks.map(\.name) + ["logits"]) == Set(expected.names))

        try expectAgreement(model, hooks, on: contexts, with: expected, within: Self.tolerance)
    }

    @Test func theConfigurationIsReadFromBothFormats() throws {
        let folder = try Tiny.model("tiny-llama").configuration
        #expect(
            folder
                == TransformerConfiguration(
                    family: "llama", width: 32, layerCount: 3, headCount: 4, keyValueHeadCount: 2, headWidth: 8,
                    mlpWidth: 40, vocabularySize: 64, contextLength: 128, normEpsilon: 1e-5, ropeTheta: 10_000))
        #expect(try Tiny.model("tiny-llama.gguf").configuration == folder)
        #expect(try Tiny.model("tiny-llama-sharded").configuration == folder)
        let tied = try Tiny.model("tiny-llama-tied").configuration
        #expect(tied.tiedEmbeddings && tied.headWidth == 12 && tied.ropeTheta == 5_000)
    }

    /// bf16 has 8 bits of mantissa: each operand is off by at most 2⁻⁹ of itself. A product of k = 32 terms of random sign is
    /// then off by about 2⁻⁹ of its typical size; ten products follow each other down the residual stream, so logits whose
    /// typical size is s differ by a few 2⁻⁹ · √10 · s: 3% is a bound with room, and an error in the path exceeds it.
    @Test func logitsInBF16StayNearFP32() throws {
        let tokens = Tiny.contexts[3]
        let exact = try Tiny.model().logits(tokens).values
        let rounded = try Tiny.model(precision: .bf16).logits(tokens).values
        let size = (exact.reduce(0) { $0 + $1 * $1 } / Float(exact.count)).squareRoot()
        let error = (zip(exact, rounded).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Float(exact.count))
            .squareRoot()
        #expect(error > 0)
        #expect(error < 0.03 * size, "\(error / size)")
    }

    @Test func theDigestIsThatOfTheWeightFiles() throws {
        let whole = goldens.appending(path: "tiny-llama/model.safetensors")
        #expect(try Tiny.model().digest() == Files.digest(Files.read(whole)))
        let sharded = try Tiny.model("tiny-llama-sharded")
        #expect(
            sharded.weightFiles.map(\.lastPathComponent) == [
                "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
            ])
        #expect(try sharded.digest() != Tiny.model().digest())
    }
}
