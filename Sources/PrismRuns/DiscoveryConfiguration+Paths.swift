import Foundation
import PrismModels

/// A path that was given relative to the working folder is recorded relative to the run's: the run can be resumed from
/// anywhere, and equal runs in two copies of a project have equal records.
extension String {
    /// A relative path, which begins at the working folder, as it is seen from a run's folder.
    func recorded(in folder: URL) -> String {
        guard !hasPrefix("/"), self != EmbeddedModel.name else { return self }
        let base = folder.absoluteURL.standardizedFileURL.pathComponents
        let target = URL(filePath: self).absoluteURL.standardizedFileURL.pathComponents
        let shared = zip(target, base).prefix { $0 == $1 }.count
        let steps = [String](repeating: "..", count: base.count - shared) + target.dropFirst(shared)
        return steps.joined(separator: "/")
    }

    /// The whole path of one that the record in a run's folder holds.
    func located(from folder: URL) -> String {
        hasPrefix("/") || self == EmbeddedModel.name
            ? self : folder.appending(path: self).absoluteURL.standardizedFileURL.path
    }
}

extension DiscoveryConfiguration {
    func recorded(in folder: URL) -> Self { mappingPaths { $0.recorded(in: folder) } }
    func located(from folder: URL) -> Self { mappingPaths { $0.located(from: folder) } }

    private func mappingPaths(_ body: (String) -> String) -> Self {
        var result = self
        (result.model, result.activations) = (model.map(body), activations.map(body))
        result.text = text.map(body)
        return result
    }
}

extension DiscoveryConfiguration {
    /// The model's file or folder name, without its ending; and that its weights are shuffled.
    public var modelName: String? {
        model.map {
            URL(filePath: $0).deletingPathExtension().lastPathComponent
                + (randomModel == true ? ", weights shuffled" : "")
        }
    }

    /// What the vectors come from, in a word: where it lies is nobody else's business.
    var sourceName: String { modelName ?? activations.map { URL(filePath: $0).lastPathComponent } ?? "" }
}
