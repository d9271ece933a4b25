import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor

/// Ways back through a local replacement model: attention patterns and norm scales are constants, and nothing goes back
/// through an MLP but the linear part of a transcoder with a skip connection.
///
/// The prompt is recorded many times side by side, so that one way back serves as many targets.
struct FrozenPasses {
    /// Targets that go back together.
    let copies: Int
    private let tokenCount, width: Int
    /// One for each worker.
    private let passes: [(recorded: RecordedPass, skips: SkipGradients)]

    /// - copies: at most; fewer where the prompt is long.
    init(_ replacement: LocalReplacement, copies most: Int, workers: Workers) throws {
        let (model, tokens) = (replacement.model, replacement.tokens)
        let layers = 0..<model.configuration.layerCount
        copies = max(1, min(most, 512 / tokens.count))
        (tokenCount, width) = (tokens.count, model.configuration.width)
        let contexts = [[Int32]](repeating: tokens, count: copies)
        passes = try (0..<workers.count).map { _ in
            let skips = SkipGradients(replacement)
            let request = ForwardRequest(contexts: contexts, capture: [], interventions: skips.interventions)
            let recorded = try RecordedPass(
                model, request, seeds: replacement.transcoders.map(\.reads) + [.finalNorm],
                hooks: [.embedding] + layers.map { .mlpOut(layer: $0) }, frozen: [.attentionPatterns, .normScales])
            return (recorded, skips)
        }
    }

    /// ∂y/∂activation of targets y = row · activation(hook)[position], at the embedding and every MLP's output.
    /// - targets: at most `copies`. worker: whose pass to go back through.
    /// - Returns: for each hook point [copies · tokens, width], a target's prompt after the other's.
    func gradients(of targets: [(position: Int, row: Tensor)], at hook: HookPoint, worker: Int)
        -> [HookPoint: Tensor]
    {
        let rows = Tensor(copies * tokenCount, width)
        for (copy, target) in targets.enumerated() {
            rows[copy * tokenCount + target.position].update(from: target.row.data, count: width)
        }
        passes[worker].skips.forget()
        return passes[worker].recorded.gradients(of: rows, at: hook)
    }
}

/// Leads gradients around the MLPs: nothing goes from their outputs back to their inputs but W_skipᵀ ∂out.
///
/// Sendable because the one pass that it belongs to goes back on one thread at a time.
private final class SkipGradients: @unchecked Sendable {
    private let replacement: LocalReplacement
    /// ∂y/∂mlpOut by layer, where a skip connection writes.
    private var gradients: [Int: Tensor] = [:]

    init(_ replacement: LocalReplacement) { self.replacement = replacement }

    /// What the way back before left.
    func forget() { gradients = [:] }

    var interventions: [Intervention] {
        let skips = replacement.transcoders.indices.filter { replacement.transcoders[$0].dictionary.skip != nil }
        let written = Set(skips.flatMap { replacement.transcoders[$0].writes })
        return (0..<replacement.errors.count).map { layer in
            guard written.contains(layer) else {
                return Intervention(at: .mlpOut(layer: layer), stopsGradient: true)
            }
            // A gradient of zero still reaches the MLP's input, where the skip connection's is added.
            return Intervention(
                at: .mlpOut(layer: layer),
                pullback: { [self] gradient, _, _ in
                    gradients[layer] = gradient.copy()
                    gradient.fill(0)
                })
        }
            + skips.map { place in
                Intervention(
                    at: replacement.transcoders[place].reads,
                    pullback: { [self] gradient, _, contexts in add(place, to: gradient, contexts) })
            }
    }

    private func add(_ place: Int, to gradient: Tensor, _ contexts: [ContextRows]) {
        let (transcoder, used) = (replacement.transcoders[place], replacement.usedPositions[place])
        let rows = contexts.flatMap { context in used.map { context.row(ofPosition: $0)! } }
        let width = gradient.rowWidth
        let written = Tensor(rows.count, transcoder.dictionary.outputWidth)
        for (part, layer) in transcoder.writes.enumerated() {
            guard let own = gradients[layer] else { continue }
            for (i, row) in rows.enumerated() {
                (written[i] + part * width).update(from: own[row], count: width)
            }
        }
        let read = Tensor(rows.count, width)
        replacement.model.backend.multiply(written, by: transcoder.dictionary.skip!, transposed: false, into: read)
        for (i, row) in rows.enumerated() {
            let (out, part) = (gradient[row], read[i])
            for c in 0..<width { out[c] += part[c] }
        }
    }
}
