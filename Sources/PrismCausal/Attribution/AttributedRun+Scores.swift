import Algorithms
import PrismCore
import PrismModels
import PrismTensor

/// Attributed effects of units.
package struct AttributionScores: Sendable {
    /// Of each unit asked for, in nats, as m is.
    package let values: [Double]
    /// Of integrated gradients, by place; empty for other methods.
    package let completeness: [Completeness]
    /// What they took.
    package let seconds: Double
}

/// Whether integrated gradients sum to what they divide.
public struct Completeness: Codable, Sendable {
    /// Σ over all units of the place.
    public let sum: Double
    /// What taking the place away does, exactly.
    public let whole: Double
    /// Gradients on the way.
    public let steps: Int

    /// The largest share by which the sum may miss the whole.
    static let tolerance = 0.01
    /// Nats below which a difference is fp32's own noise.
    static let resolution = 1e-4

    public var error: Double { abs(sum - whole) / max(abs(whole), Self.resolution / Self.tolerance) }
    public var isReached: Bool { error <= Self.tolerance }
}

extension AttributedRun {
    /// δᵤ · ḡ of some units.
    /// - mostSteps: of integrated gradients: they are doubled until completeness is reached, or this.
    package func scores(
        _ method: AttributionMethod, of units: [AttributionUnit], mostSteps: Int = 64
    ) throws -> AttributionScores {
        let begin = ContinuousClock.now
        let isIntegrated = method == .integrated
        let ways = isIntegrated ? try places.indices.map { try integratedGradient($0, mostSteps: mostSteps) } : []
        let gradients = isIntegrated ? ways.map(\.gradient) : try self.gradients(method)
        let values = units.map {
            differences[$0.place].product($0.index, at: $0.position, with: gradients[$0.place][$0.position])
        }
        return AttributionScores(
            values: values, completeness: ways.map(\.completeness), seconds: (.now - begin) / .seconds(1))
    }

    /// ∂m/∂y of each place in the clean run, [tokens, width].
    private func gradients(_ method: AttributionMethod) throws -> [Tensor] {
        let hooks = places.map(\.writes)
        let pass = ForwardRequest(
            contexts: [question.prompt], capture: [], interventions: method.walls(model.configuration.layerCount))
        var request = GradientRequest(pass, objective: .logOdds([question]), hooks: Array(hooks.uniqued()))
        request.frozen = method.frozen
        let found = try model.gradients(request, workers: workers).hooks
        return hooks.map { found[$0] }
    }

    /// Steps to begin with.
    private static let fewestSteps = 8

    private func integratedGradient(
        _ place: Int, mostSteps: Int
    ) throws -> (gradient: Tensor, completeness: Completeness) {
        let whole = try effect(ofPlace: place)
        var steps = Self.fewestSteps
        while true {
            try Interrupt.check()
            let gradient = try meanGradient(place, steps: steps)
            let sum = zip(gradient.values, differences[place].whole.values).reduce(0.0) {
                $0 + Double($1.0) * Double($1.1)
            }
            let found = Completeness(sum: sum, whole: whole, steps: steps)
            if found.isReached || 2 * steps > mostSteps { return (gradient, found) }
            steps *= 2
        }
    }

    /// ∫ ∂m/∂y dα at y − (1 − α) (y − y') over α from 0 to 1, [tokens, width]: the mean over the middles of even steps.
    ///
    /// Steps that are dense near the baseline, as even in t of α = t³, need twice as many against another prompt. Only against
    /// zero, where norms turn the least activation of the first layers into a whole one, do they come nearer.
    private func meanGradient(_ place: Int, steps: Int) throws -> Tensor {
        let (hook, differences) = (places[place].writes, differences[place])
        let (start, tokens) = (model.start(before: [hook]), question.prompt.count)
        let step = Intervention(at: hook, stopsGradient: true) { activation, contexts in
            for context in contexts {
                let rest = 1 - (Float(context.index) + 0.5) / Float(steps)
                for (row, position) in zip(context.rows, 0...) {
                    differences.subtractAll(rest, at: position, from: activation[row])
                }
            }
        }
        let pass = ForwardRequest(
            contexts: [[Int32]](repeating: question.prompt, count: steps), capture: [], interventions: [step],
            start: .init(at: start, clean[start].gathered((0..<steps).flatMap { _ in 0..<tokens })))
        let objective = Objective.logOdds([AttributionQuestion](repeating: question, count: steps))
        let request = GradientRequest(pass, objective: objective, hooks: [hook])
        let found = try model.gradients(request, workers: workers).hooks[hook]
        let mean = Tensor(shape: differences.whole.shape)
        for i in 0..<found.count { mean.data[i % mean.count] += found.data[i] / Float(steps) }
        return mean
    }
}
