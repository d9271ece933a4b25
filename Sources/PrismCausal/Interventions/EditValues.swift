import PrismCore
import PrismModels
import PrismTensor

extension EditPlan {
    /// What an edit's coordinates become.
    struct Values: Sendable {
        private let change: Edit.Change
        /// By mean: one row. By resampling: a row for each position of the reference. By another prompt: a row for each of
        /// its positions. [rows, coordinates]
        private let rows: Tensor
        private let seed: UInt64

        /// Runs the model where values of other text are needed.
        init(
            _ change: Edit.Change, _ coordinates: Coordinates, _ model: Transformer, _ surroundings: Surroundings
        ) throws {
            self.change = change
            seed = surroundings.seed
            func values(_ contexts: [[Int32]]) throws -> Tensor {
                let found = try model.run(
                    ForwardRequest(contexts: contexts, capture: [coordinates.reads]), workers: surroundings.workers)
                return coordinates.values(of: found[coordinates.reads])
            }
            switch change {
            case .add(let number), .multiply(let number), .set(let number):
                guard number.isFinite else {
                    throw PrismError.usage("units are changed by finite numbers, not by \(number)")
                }
                rows = Tensor(0, coordinates.count)
            case .zero: rows = Tensor(0, coordinates.count)
            case .replace(let prompt): rows = try values([try surroundings.tokens(prompt)])
            case .resample, .mean:
                // A context's first token is often an attention sink, unlike all others.
                let contexts = surroundings.reference.filter { $0.count > 1 }
                guard !contexts.isEmpty else {
                    throw PrismError.usage(
                        "ablation by \(change == .mean ? "mean" : "resampling") needs reference text; give some")
                }
                let all = try values(contexts)
                var row = 0
                let kept = contexts.flatMap { context in
                    defer { row += context.count }
                    return row + 1..<row + context.count
                }
                rows = change == .mean ? all.gathered(kept).mean() : all.gathered(kept)
            }
        }

        func value(_ old: Float, context: Int, position: Int, column: Int) -> Float {
            switch change {
            case .zero: return 0
            case .mean: return rows[0][column]
            case .add(let strength): return old + strength
            case .multiply(let factor): return old * factor
            case .set(let value): return value
            case .replace: return position < rows.rowCount ? rows[position][column] : old
            case .resample:
                var draw = SeededGenerator(seed: seed, stream: "resample \(context) \(position)")
                return rows[Int.random(in: 0..<rows.rowCount, using: &draw)][column]
            }
        }
    }
}

extension Tensor {
    /// Mean over rows, [1, width].
    fileprivate func mean() -> Tensor {
        let mean = Tensor(1, rowWidth)
        for c in 0..<rowWidth {
            mean[0][c] = Float((0..<rowCount).reduce(0.0) { $0 + Double(self[$1][c]) } / Double(rowCount))
        }
        return mean
    }
}
