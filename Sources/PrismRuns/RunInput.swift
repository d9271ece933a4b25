import Foundation
import PrismActivations
import PrismCore
import PrismFormats
import PrismModels
import PrismTensor

/// Where a run's vectors come from, opened and split into what is trained on and what is held out.
public enum RunInput: Sendable {
    case model(Transformer, Tokenizer, Corpus, TokenContexts)
    /// groups: rows that belong together; every one of them is on one side of the split. Even is what is left of those to
    /// train on where a harvest was oversampled. Held out are as many, drawn at random, as hold the vectors to evaluate on.
    case matrix(Tensor, training: [[Int]], even: [[Int]], heldOut: [[Int]])
    /// Vectors of known features, made as they are needed: those held out, and the same as a matrix in groups.
    case synthetic(SyntheticActivations, Tensor, heldOut: [[Int]])

    /// Opens the model and reads the text, or maps the matrix.
    public init(_ configuration: DiscoveryConfiguration) throws {
        if let path = configuration.activations, SyntheticFeatures.exist(in: URL(filePath: path)) {
            let features = try SyntheticFeatures(loading: URL(filePath: path))
            let heldOut = SyntheticActivations(features, .heldOut, vectorCount: configuration.evaluationTokens)
            let matrix = Tensor(heldOut.vectorCount, heldOut.width)
            try heldOut.read(0..<heldOut.vectorCount, into: matrix, workers: Workers()) { _ in }
            let rows = matrix.rowCount
            let groups = stride(from: 0, to: rows, by: 128).map { Array($0..<min($0 + 128, rows)) }
            self = .synthetic(heldOut, matrix, heldOut: groups)
        } else if let path = configuration.activations {
            let activations = try StoredActivations(URL(filePath: path))
            let seed = configuration.contexts.seed
            let (training, others) = activations.split(heldOutShare: configuration.contexts.heldOutShare, seed: seed)
            let heldOut = activations.even(others, seed: seed)
            guard !training.isEmpty, !heldOut.isEmpty else {
                throw PrismError.usage(
                    "\(path) has only \(activations.matrix.rowCount) vectors, too few to hold \(configuration.contexts.heldOutShare) of them out; give more or change --held-out"
                )
            }
            var draw = SeededGenerator(seed: seed, stream: "held-out groups")
            var room = configuration.evaluationTokens
            let evaluated = heldOut.shuffled(using: &draw).prefix { group in
                defer { room -= group.count }
                return room > 0
            }
            self = .matrix(
                activations.matrix, training: training, even: activations.even(training, seed: seed),
                heldOut: Array(evaluated))
        } else {
            let url = EmbeddedModel.url(configuration.model ?? "")
            let model = try Transformer(
                loading: url, precision: configuration.modelPrecision,
                shufflingWeights: configuration.randomModel == true ? configuration.contexts.seed : nil,
                backend: CPUBackend())
            let tokenizer = try model.tokenizer(loading: url)
            try configuration.contexts.validate(modelContext: model.configuration.contextLength)
            // A pass over nothing refuses a hook point that the model does not have.
            _ = try model.run(ForwardRequest(contexts: [], capture: configuration.hooks))
            let corpus = try Corpus(paths: configuration.text.map { URL(filePath: $0) })
            let contexts = try TokenContexts(
                corpus, tokenizer: tokenizer, configuration.contexts, trainingTokens: configuration.tokens,
                heldOutTokens: configuration.evaluationTokens)
            self = .model(model, tokenizer, corpus, contexts)
        }
    }

    /// The vectors to train on; or, even, those that it would be without any oversampling.
    public func source(_ configuration: DiscoveryConfiguration, even isEven: Bool = false) -> any ActivationSource {
        switch self {
        case .model(let model, _, _, let contexts):
            ModelActivations(model, hooks: configuration.hooks, contexts: isEven ? contexts.even : contexts.training)
        case .matrix(let matrix, let training, let even, _):
            MatrixActivations(
                matrix, rows: (isEven ? even : training).joined(), limit: configuration.tokens,
                seed: configuration.contexts.seed)
        case .synthetic(let heldOut, _, _):
            SyntheticActivations(heldOut.features, .training, vectorCount: configuration.tokens)
        }
    }

    /// What the oversampling's rules did; nil if there is none.
    var oversampling: [Oversampling.Effect]? {
        if case .model(_, _, _, let contexts) = self { contexts.oversampling } else { nil }
    }

    /// What was read, so that a later run can tell whether it reads the same.
    func digests() throws -> [String: String] {
        switch self {
        case .model(let model, _, let corpus, _):
            return ["model": try model.digest(), "text": try corpus.digest()]
        case .matrix(let matrix, _, _, _), .synthetic(_, let matrix, _):
            let bytes = Data(bytesNoCopy: matrix.data, count: 4 * matrix.count, deallocator: .none)
            return ["activations": Files.digest(bytes)]
        }
    }
}
