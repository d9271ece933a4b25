import Foundation
import PrismCore
import PrismTensor
import Synchronization

/// A decoder-only language model: blocks of attention and an MLP that read a residual stream and add to it. Of Llama's kind:
///
///     x   = E[token]                                           hook_embed
///     x  += Attention(Norm(x)) · W_O                           resid_pre → attn_out → resid_mid
///     x  += (SiLU(h · W_gate) ⊙ (h · W_up)) · W_down,  h = Norm(x)     mlp.hook_in → mlp.hook_post → mlp_out → resid_post
///     logits = Norm(x) · W_U                                   ln_final.hook_out
///
/// `TransformerConfiguration` says what other families do otherwise, `Pass` does it.
/// Immutable after loading; all state of a pass lies in its request and its workspace.
public final class Transformer: Sendable {
    public let configuration: TransformerConfiguration
    /// The number format of the matrix products.
    public let precision: Precision
    public let backend: any Backend
    /// The files that hold the weights; empty for a model made in memory.
    public let weightFiles: [URL]

    let weights: TransformerWeights
    /// Rotary frequencies and their negatives, which turn back, [rotaryWidth / 2]; of windowed layers, and of the others.
    let frequencies, windowedFrequencies: (forward: Tensor, back: Tensor)
    private let spareWorkspaces = Mutex<[Workspace]>([])
    private let knownDigest = Mutex<String?>(nil)

    init(
        configuration: TransformerConfiguration, weights: TransformerWeights, precision: Precision,
        backend: any Backend, weightFiles: [URL] = []
    ) {
        self.configuration = configuration
        self.weights = weights
        self.precision = precision
        self.backend = backend
        self.weightFiles = weightFiles
        func frequencies(windowed: Bool) -> (Tensor, Tensor) {
            let forward = configuration.ropeFrequencies(windowed: windowed)
            return (forward, Tensor(shape: forward.shape, forward.values.map { -$0 }))
        }
        self.frequencies = frequencies(windowed: false)
        windowedFrequencies = frequencies(windowed: true)
    }

    /// A model made in memory. - tensor: what a name of `configuration.weightNames` stands for, of its shape.
    package convenience init(
        _ configuration: TransformerConfiguration, backend: any Backend, tensor: (WeightName) -> Tensor
    ) {
        let weights = try! TransformerWeights(configuration, precision: .fp32, backend: backend, tensor: tensor)
        self.init(configuration: configuration, weights: weights, precision: .fp32, backend: backend)
    }

    /// A model that has learned nothing: N(0, 0.02²) weights, norms of one. To measure speed with.
    package convenience init(random configuration: TransformerConfiguration, seed: UInt64, backend: any Backend) {
        self.init(configuration, backend: backend) { name in
            .random(name, shape: configuration.shape(of: name)!, size: 0.02, seed: seed)
        }
    }

    /// SHA-256 of the weight file; of several, SHA-256 over their digests in order. Computed at the first call.
    /// - Throws: `PrismError` if a file is gone.
    public func digest() throws -> String {
        try knownDigest.withLock { known in
            if let known { return known }
            let digests = try weightFiles.map { try Files.digest(Files.read($0)) }
            let digest = digests.count == 1 ? digests[0] : Files.digest(Data(digests.joined().utf8))
            known = digest
            return digest
        }
    }

    /// logits[t, v] = Σₖ finalNorm[t, k] · W_U[v, k], with the family's bias and soft cap, on the calling thread.
    /// - finalNorm: rows of the hook point `finalNorm`, [rows, width]
    /// - out: [rows, vocabulary]
    public func logits(_ finalNorm: Tensor, into out: Tensor) {
        backend.linear(finalNorm, weights.unembedding.weight, into: out)
        if let bias = weights.unembedding.bias { backend.add(row: bias, toEachOf: out) }
        if let cap = configuration.logitSoftCap { backend.softCap(out, cap) }
    }

    /// Logits of a prompt's every position: [tokens, vocabulary].
    public func logits(
        _ tokens: [Int32], interventions: [Intervention] = [], workers: Workers = Workers()
    ) throws -> Tensor {
        let request = ForwardRequest(contexts: [tokens], capture: [.finalNorm], interventions: interventions)
        let normed = try run(request, workers: workers)[.finalNorm]
        let out = Tensor(tokens.count, configuration.vocabularySize)
        workers.forEachRange(tokens.count, by: 32) { _, rows in logits(normed.rows(rows), into: out.rows(rows)) }
        return out
    }

    /// Lends a workspace for at least `rows` rows to `body`; workspaces are kept for the next pass.
    func withWorkspace<R>(rows: Int, _ body: (Workspace) throws -> R) rethrows -> R {
        let spare: Workspace? = spareWorkspaces.withLock { spare in
            spare.firstIndex { $0.capacity >= rows }.map { spare.remove(at: $0) }
        }
        let workspace = spare ?? Workspace(capacity: max(rows, Self.blockTokens))
        // Longer contexts than usual get memory of their own, which is not kept.
        defer { if workspace.capacity == Self.blockTokens { spareWorkspaces.withLock { $0.append(workspace) } } }
        return try body(workspace)
    }
}
