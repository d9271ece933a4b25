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
            let hook = coordinates.reads
            func run(_ contexts: [[Int32]]) throws -> CapturedActivations {
                try model.run(ForwardRequest(contexts: contexts, capture: [hook]), workers: surroundings.workers)
            }
            switch change {
            case .add(let number), .multiply(let number), .set(let number):
                guard number.isFinite else {
                    throw PrismError.usage("units are changed by finite numbers, not by \(number)")
                }
                rows = Tensor(0, coordinates.count)
            case .zero: rows = Tensor(0, coordinates.count)
            case .replace(let prompt):
                rows = coordinates.values(of: try run([try surroundings.tokens(prompt)])[hook])
            case .resample, .mean:
                guard !surroundings.reference.isEmpty else {
                    throw PrismError.usage(
                        "ablation by \(change == .mean ? "mean" : "resampling") needs reference text; give some")
                }
                let found = try run(surroundings.reference.map(\.tokens))
                let used = coordinates.values(
                    of: found[hook].gathered(found.usedRows(of: surroundings.reference, at: hook)))
                rows = change == .mean ? Tensor(shape: [1, used.rowWidth], used.columnMeans.map(Float.init)) : used
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
