import Foundation
import PrismCore
import PrismFormats
import PrismModels
import PrismTensor
import Testing

/// Every family against Hugging Face transformers (Scripts/goldens/family_goldens.py): hook points, logits, gradients.
@Suite struct FamilyTests {
    /// Folders and GGUF files of random models, with the folder that holds their goldens.
    static let models: [(path: String, golden: String)] = {
        let names = try! FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        return names.filter { $0 != ".DS_Store" }.map { name in
            let base = name.hasSuffix(".gguf") ? String(name.dropLast(5)) : name
            return (name, base.hasSuffix("-published") ? String(base.dropLast(10)) : base)
        }
    }()
    static let folder = goldens.appending(path: "families")

    struct Golden: Decodable { let contexts: [[Int32]], loss: Double }

    static func golden(_ name: String) throws -> (Golden, SafetensorsFile) {
        let folder = folder.appending(path: name)
        return (
            try JSONDecoder().decode(Golden.self, from: Files.read(folder.appending(path: "goldens.json"))),
            try SafetensorsFile(folder.appending(path: "goldens.safetensors"))
        )
    }

    /// Both sides work in fp32, on activations up to some 30 (Gemma's embedding is scaled by 4 and its norms add up): errors
    /// of a few units in the last place of the largest, times the depth.
    static let tolerance: Float = 3e-5

    @Test func everyFamilyHasItsGoldens() {
        #expect(Self.models.count >= 30)
        #expect(Set(Self.models.map(\.golden)).count >= 16)
    }

    @Test(arguments: models) func hookPointsAndLogitsAgreeWithTheReference(path: String, golden: String) throws {
        let (golden, expected) = try Self.golden(golden)
        for backend in [ReferenceBackend(), CPUBackend()] as [any Backend] {
            let model = try Transformer(loading: Self.folder.appending(path: path), backend: backend)
            let hooks = Tiny.hooks(layers: model.configuration.layerCount).filter {
                expected.shape(of: $0.name) != nil
            }
            let perBlock = model.configuration.hasResidualMid ? 7 : 6
            #expect(hooks.count == perBlock * model.configuration.layerCount + 2)
            try expectAgreement(model, hooks, on: golden.contexts, with: expected, within: Self.tolerance)
        }
    }

    /// What is generated with a cache is what a whole pass says, window or not.
    @Test(arguments: models.filter { !$0.path.hasSuffix(".gguf") })
    func theCacheChangesNothing(path: String, golden: String) throws {
        let model = try Transformer(loading: Self.folder.appending(path: path), backend: CPUBackend())
        var tokens: [Int32] = [3, 14, 15]
        let generated = try model.generate(prompt: tokens, count: 12)
        for token in generated {
            let logits = try model.logits(tokens)
            let best = topTokens(logits.rows(tokens.count - 1..<tokens.count), 1)[0].token
            #expect(best == token)
            tokens.append(token)
        }
    }

    /// transformers 5 writes the same model's configuration in other words.
    @Test(arguments: models.filter { $0.path == $0.golden })
    func bothFormsOfTheConfigurationSayTheSame(path: String, golden: String) throws {
        let original = Self.folder.appending(path: path)
        guard FileManager.default.fileExists(atPath: original.appending(path: "config-v5.json").path) else { return }
        let copy = FileManager.default.temporaryDirectory.appending(path: "prism-\(UUID().uuidString)")
        try FileManager.default.copyItem(at: original, to: copy)
        defer { try? FileManager.default.removeItem(at: copy) }
        try Files.writeAtomically(
            Files.read(copy.appending(path: "config-v5.json")), to: copy.appending(path: "config.json"))
        let new = try Transformer(loading: copy, backend: ReferenceBackend()).configuration
        #expect(try Transformer(loading: original, backend: ReferenceBackend()).configuration == new)
    }

    /// Models that add only another way to write a family down.
    static let withoutGradients = ["gemma2-plain", "gemma3-six", "mistral-full"]

    /// Gradients of the mean cross-entropy by every hook point and, where the golden has them, by every tensor of the file.
    /// They are of size one and below; the tolerance is that of the activations.
    @Test(arguments: models.filter { $0.path == $0.golden && !withoutGradients.contains($0.path) })
    func gradientsAgreeWithTheReference(path: String, golden: String) throws {
        let (golden, expected) = try Self.golden(golden)
        for (backend, recomputes) in [(ReferenceBackend(), false), (CPUBackend(), false), (CPUBackend(), true)]
            as [(any Backend, Bool)]
        {
            let model = try Transformer(loading: Self.folder.appending(path: path), backend: backend)
            let hooks = Tiny.hooks(layers: model.configuration.layerCount).filter {
                expected.shape(of: "grad.\($0.name)") != nil
            }
            #expect(!hooks.isEmpty)
            var request = GradientRequest(
                ForwardRequest(contexts: golden.contexts, capture: []),
                objective: .crossEntropy(golden.contexts, backend: backend), hooks: hooks, weights: true)
            request.recomputesBlocks = recomputes
            let found = try model.gradients(request)
            #expect(abs(found.value - golden.loss) < 1e-5, "\(found.value) \(golden.loss)")
            for hook in hooks {
                let difference = distance(found.hooks[hook], try expected.tensor("grad.\(hook.name)"))
                #expect(difference < Self.tolerance, "\(hook)")
            }
            for (name, tensor) in model.configuration.fileTensors(found.weights) {
                guard expected.shape(of: "grad.weight.\(name)") != nil else { continue }
                let difference = distance(tensor, try expected.tensor("grad.weight.\(name)"))
                #expect(difference < Self.tolerance, "\(name)")
            }
        }
    }
}
