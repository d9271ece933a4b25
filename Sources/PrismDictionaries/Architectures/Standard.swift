import PrismTensor

/// The L1 dictionary: z = max(0, π), loss = mean ‖y − ŷ‖² + λ mean Σᵢ zᵢ ‖dᵢ‖.
///
/// With free decoder rows this is Anthropic's of April 2024. With rows of norm 1 (`unitNormDecoder`) the penalty is the
/// plain L1 of Bricken et al. 2023. Squared errors are summed, not averaged, over dimensions: λ belongs to that convention.
final class Standard: ArchitectureRule {
    init(_ configuration: TrainingConfiguration) {}

    func selection(step: Int) -> Selection { .above }

    func backward(_ column: LatentColumn, _ weights: StepWeights) -> LatentCost {
        let pull = weights.sparsity * weights.perVector
        var sum = 0.0
        for i in 0..<column.count {
            let z = column.activations[i]
            sum += Double(z)
            column.pulls[i] = z > 0 ? column.pulls[i] + pull * column.norm : 0
        }
        return LatentCost(penalty: sum * Double(column.norm), normPull: pull * Float(sum))
    }

    func activation() -> LatentActivation { .relu }
}
